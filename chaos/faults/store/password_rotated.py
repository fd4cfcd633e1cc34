"""password-rotated: the store has another password than the services know. All is well until one starts."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Fault, Injection, Proof, Value, register
from chaos.target import Target
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class PasswordRotated(Fault):
    name = "password-rotated"
    help = (
        "The store's password for services is changed and no service is told. Connections that are open go "
        "on, so nobody is hurt until a service starts, or loses its connection: it is refused. It ends with "
        "the fault, or when that store starts anew, which then has the password of the file again."
    )
    example = "failwhale chaos password-rotated store:all --for 30s"
    targets = ("store",)
    restored = "has the services' password again"
    demonstration = Demonstration("store:all")

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody, by itself. What hurts later is what has a service connect anew."""
        return ()

    def precondition(self, site: Site, part: Part) -> None:
        if site.store_role(part) is None:
            raise Failure(f"{part.name} does not answer", "see: failwhale status")
        if site.is_password_rotated(part):
            raise Failure(f"{part.name} has another password already", "mend it: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.rotate_password(injection.part)

    def verify(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if not site.is_password_rotated(part):
            return Proof(False, f"{part.name} does not refuse the services' password")
        going_on = site.connections_of_services(part)
        return Proof(True, f"{part.name} refuses the services' password; {going_on} open connections go on")

    def revert(self, site: Site, injection: Injection) -> None:
        part = injection.part
        if _is_out_of_reach(site, part):
            raise Failure(f"{part.name} does not answer")
        site.give_password_back(part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if _is_out_of_reach(site, part):
            return Proof(None, f"{part.name} does not answer")
        rotated = site.is_password_rotated(part)
        return Proof(not rotated, f"{part.name} {'refuses' if rotated else 'takes'} the services' password")

    def leftover(self, site: Site, part: Part) -> str:
        return "refused the services' password" if site.is_password_rotated(part) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.give_password_back(part)


def _is_out_of_reach(site: Site, part: Part) -> bool:
    """Whether a store runs and cannot be asked: it is frozen, or has no connection left. One that is dead has
    forgotten the password."""
    return site.runtime.is_running(part.name) and not site.answers(part)


register(PasswordRotated())
