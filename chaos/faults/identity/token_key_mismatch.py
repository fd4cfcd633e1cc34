"""token-key-mismatch: one replica signs and verifies with another key than the others."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Proof, Value, register
from chaos.faults.calls.injection_point import SetInService
from chaos.journeys import JOURNEYS_OF, SIGNED_IN
from chaos.target import Target
from testbed.site import Site

_REFUSED = {"frontend": "This is not a session token.", "auth": "The challenge is not good any more"}
"""How each says that something was signed with another key."""


class TokenKeyMismatch(SetInService):
    name = "token-key-mismatch"
    help = (
        "Have a part sign and verify with another token key, as when a key was changed on some replicas "
        "only. An edge (frontend) knows no session any more; the sessions that a login gets from auth are "
        "known nowhere. With one replica hurt of two, people are logged out at random."
    )
    example = "failwhale chaos token-key-mismatch frontend@west --for 30s"
    precedent = "Travis CI, where a secret was rotated badly"
    targets = ("frontend", "auth")
    demonstration = Demonstration("frontend:all", hurts={"home-timeline": "down", "post": "down"})
    more_demonstrations = (Demonstration("auth:all", hurts={"login": "down"}),)

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        logins = JOURNEYS_OF["auth"]
        return (*logins, *SIGNED_IN) if target.part.service == "frontend" else logins

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By what a session, or a challenge, gets that we signed with the key of the others."""
        part = injection.part
        entrance = site.entrance(part, 1.0)
        if part.service == "frontend":
            answer = entrance.ask("GET", "/api/v1/posts/0", headers=site.signed_in(part, 1))
        else:
            body = {"challenge": site.challenge(1), "code": "000000"}
            answer = entrance.ask("POST", "/api/v1/sessions/second-factor", body)
        if answer.status == 401 and answer.detail.startswith(_REFUSED[part.service]):
            return Proof(True, f"{part.name} takes what the others sign for forged: 401, {answer.detail}")
        return Proof(False, f"{part.name} takes what the others sign for good")


register(TokenKeyMismatch())
