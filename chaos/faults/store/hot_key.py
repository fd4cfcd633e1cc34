"""hot-key: one post gets a great share of all reads."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.store.load_fault import LoadFault
from chaos.target import Target
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site

_TURNS = 20
"""In a second."""
_COMMANDS_SEEN = 200


class HotKey(LoadFault):
    name = "hot-key"
    help = (
        "Read one post again and again, so that most of what the store does is about one key. It bears the "
        "rates that are possible here, so nobody is hurt; but no second server would help. Bounded, and over "
        "when its controller is gone."
    )
    example = "failwhale chaos hot-key store:primary --rate 2000 --for 10s"
    parameters = (
        Parameter(
            *("rate", "integer", "Reads a second."), default=2000, low=100, high=10_000, dial=(500, 10_000)
        ),
    )
    demonstration = Demonstration("store:primary")
    precedent = "Twitter, 2 March 2014: a selfie from the Oscars was retweeted until the site went down."

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return ()

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if not site.newest_posts(part, 1):
            raise Failure("nobody has posted anything yet", "let the prober run, or: failwhale populate")

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, str] = {}
        """By lease, the post that was the newest when it began."""

    def bout(self, site: Site, injection: Injection) -> float:
        key = self._keys.get(injection.lease) or next(iter(site.newest_posts(injection.part, 1)), "")
        self._keys[injection.lease] = key
        site.ask_for_one(injection.part, key, int(str(injection.parameters["rate"])) // _TURNS)
        return 1 / _TURNS

    def verify(self, site: Site, injection: Injection) -> Proof:
        about, share = site.most_asked(injection.part, _COMMANDS_SEEN)
        hot = about and about == self._keys.get(injection.lease)
        return Proof(
            bool(hot), f"{share:.0%} of what {injection.part.name} does is about {about or 'nothing known'}"
        )

    def revert(self, site: Site, injection: Injection) -> None:
        super().revert(site, injection)
        self._keys.pop(injection.lease, None)


register(HotKey())
