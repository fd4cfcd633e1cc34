"""token-key-lost: the key that signs sessions is gone. Who has read it goes on, and who starts cannot."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Fault, Injection, Proof, Value, register
from chaos.target import SITE, Target
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class TokenKeyLost(Fault):
    name = "token-key-lost"
    help = (
        "Take the key away that signs sessions. Parts go on with what they have read, and nobody is hurt; an "
        "auth that starts meanwhile ends at once, an edge knows no session: do it before a restart."
    )
    example = "failwhale chaos token-key-lost site --for 30s"
    targets = (SITE,)
    restored = "has its token key again"
    demonstration = Demonstration(SITE)

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody, by itself."""
        return ()

    def precondition(self, site: Site, part: Part) -> None:
        if why := site.token_key.why_unread():
            raise Failure(f"it is lost already: {why}", "failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.token_key.lose()

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By reading it as a part does that starts."""
        why = site.token_key.why_unread()
        return Proof(bool(why), f"who starts now cannot read it: {why}" if why else "it can be read")

    def revert(self, site: Site, injection: Injection) -> None:
        site.token_key.restore()

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        why = site.token_key.why_unread()
        return Proof(not why, why or "who starts now reads the key")

    def leftover(self, site: Site, part: Part) -> str:
        """It is the site's; the controller is whom it is told of."""
        return "found no token key" if part.kind == "controller" and site.token_key.is_lost else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.token_key.restore()


register(TokenKeyLost())
