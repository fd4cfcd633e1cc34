"""data-corrupted: posts have another text than their authors gave them, and nothing says so."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.store.contents_fault import ContentsFault, is_primary, primary_of
from chaos.faults.store.load_fault import LoadFault
from chaos.target import Target
from testbed.inventory import Part
from testbed.site import Site

_AGAIN = 0.1
_NEW = 5
"""So many posts are made in that time at most."""


class DataCorrupted(ContentsFault, LoadFault):
    name = "data-corrupted"
    help = (
        "Posts get another text than they had: letters are exchanged, and every status is 200. That befalls "
        "the newest ones, and whatever is posted while it lasts. Each has its own text again at the end, "
        "which the store keeps until then; with its controller gone no further ones are hit."
    )
    example = "failwhale chaos data-corrupted store:primary --posts 100 --for 10s"
    parameters = (
        Parameter(
            *("posts", "integer", "How many of the newest posts."),
            default=20,
            low=1,
            high=1000,
            dial=(1, 1000),
        ),
    )
    leaves_nothing = False
    restored = "has their authors' again"
    demonstration = Demonstration("store:primary", hurts={"read-back": "down"})

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return ("read-back",)

    def apply(self, site: Site, injection: Injection) -> None:
        self._corrupt(site, int(str(injection.parameters["posts"])))
        super().apply(site, injection)

    def bout(self, site: Site, injection: Injection) -> float:
        self._corrupt(site, _NEW)
        return _AGAIN

    def _corrupt(self, site: Site, newest: int) -> None:
        primary = primary_of(site)
        site.corrupt_posts(primary, site.newest_posts(primary, newest))

    def revert(self, site: Site, injection: Injection) -> None:
        self.stop(injection)
        super().revert(site, injection)

    def verify(self, site: Site, injection: Injection) -> Proof:
        wrong, seen = site.wrong_posts(primary_of(site))
        return Proof(wrong > 0, f"{wrong} of {seen} posts have another text than their authors gave them")

    def leftover(self, site: Site, part: Part) -> str:
        wrong = site.corrupted_posts(part) if is_primary(site, part) else 0
        return f"had another text for {wrong} posts" if wrong else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.mend_posts(part)


register(DataCorrupted())
