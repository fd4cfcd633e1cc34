"""clients-paused: the primary holds what its clients ask for, and nothing says that it is not well."""

from collections.abc import Mapping

from chaos.fault import Injection, Parameter, Proof, Value, register
from chaos.faults.store.held_store import HeldStore, is_silent
from chaos.faults.store.primary_fault import PrimaryFault
from chaos.journeys import WRITES, journeys_through
from chaos.target import Target
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site

_ENDS_SOON = 1.0
"""Seconds. Who is paused for no longer is waited for."""


class ClientsPaused(HeldStore, PrimaryFault):
    name = "clients-paused"
    help = (
        "The primary of the store holds every write; reads go on (CLIENT PAUSE). Sentinel sees a primary "
        "that answers and promotes nobody, so writes wait until the fault ends. With --commands all nothing "
        "is answered: then the replica is promoted after about two seconds, and that ends what users feel. "
        "It ends by the store's own clock; before that, only a restart of the store lets all in, which is "
        "then done."
    )
    example = "failwhale chaos clients-paused store:primary --for 10s"
    parameters = (Parameter("commands", "text", "Which are held: 'write', or 'all'.", default="write"),)

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return journeys_through("store", None) if parameters["commands"] == "all" else WRITES

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if parameters["commands"] not in ("write", "all"):
            raise Failure("--commands: either write or all", f"for example: {self.example}", USAGE)

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if site.is_held(part):
            raise Failure(f"{part.name} is held already", "let it go on: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        if injection.parameters["commands"] == "all":
            site.hold_all(injection.part, injection.seconds)
        else:
            site.hold(injection.part, injection.seconds)

    def verify(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if injection.parameters["commands"] == "all":
            return Proof(
                is_silent(site, part), f"{part.name} accepts a connection, and answers nothing on it"
            )
        if not site.answers(part):
            return Proof(None, f"{part.name} does not answer")
        if site.takes_writes(part):
            return Proof(False, f"{part.name} does a write")
        return Proof(True, f"{part.name} answers, and holds a write of our own")

    def revert(self, site: Site, injection: Injection) -> None:
        part = injection.part
        if injection.parameters["commands"] == "write":
            site.let_go(part)
        elif injection.seconds > _ENDS_SOON and is_silent(site, part):
            site.runtime.restart(part.name)
        site.welcome_back(part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if site.is_held(part):
            return Proof(False, f"{part.name} is kept from writing")
        return Proof(not is_silent(site, part), f"{part.name} is held no more")


register(ClientsPaused())
