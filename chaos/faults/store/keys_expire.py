"""keys-expire: home timelines, which the site could do without for a while, are gone at once."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.store.contents_fault import ContentsFault, is_primary, primary_of
from chaos.target import Target
from testbed.inventory import Part
from testbed.site import Site


class KeysExpire(ContentsFault):
    name = "keys-expire"
    help = (
        "Home timelines expire at once, all or a share: people find theirs empty, with status 200. A home is "
        "what the store keeps ready for its reader, as a cache does; the posts are there, and what is posted "
        "from now on arrives. What was in them is kept in the store, and put back at the end beside what "
        "came meanwhile."
    )
    example = "failwhale chaos keys-expire store:primary --share 50% --for 10s"
    parameters = (Parameter("share", "share", "Share of home timelines.", default=1.0, dial=(0.1, 1)),)
    demonstration = Demonstration("store:primary", hurts={"home-timeline": "down"})
    precedent = "Slack, 22 February 2022: a cache was emptied, and what stood behind it was too slow."

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return ("home-timeline",)

    def apply(self, site: Site, injection: Injection) -> None:
        site.empty_homes(injection.part, float(str(injection.parameters["share"])))

    def verify(self, site: Site, injection: Injection) -> Proof:
        cold, seen = site.cold_homes(primary_of(site))
        return Proof(cold > 0, f"{cold} of {seen} home timelines that expired have less than they had")

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """Who has filled homes by another way leaves what is kept of them; it is put back where it lacks."""
        put_back = super().verify_reverted(site, injection)
        if put_back.verdict or self.verify(site, injection).verdict:
            return put_back
        return Proof(True, f"nobody misses anything in a home timeline of {primary_of(site).name}")

    def leftover(self, site: Site, part: Part) -> str:
        emptied = site.emptied_homes(part) if is_primary(site, part) else 0
        return f"lacked what was in {emptied} home timelines" if emptied else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.refill_homes(part)


register(KeysExpire())
