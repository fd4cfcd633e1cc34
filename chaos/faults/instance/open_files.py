"""open-files: the part may open nothing more, so it takes no new connection. Those that are open go on."""

from chaos.fault import MAINTENANCE, SERVICES, Demonstration, Injection, Parameter, Proof, register
from chaos.faults.instance.process_fault import ProcessFault
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class OpenFiles(ProcessFault):
    name = "open-files"
    help = (
        "Lower the limit of open files of the running process. New connections are not taken, nor refused: "
        "who has one goes on, and who needs one waits in vain."
    )
    example = "failwhale chaos open-files frontend@east --for 20s"
    targets = (*SERVICES, MAINTENANCE)
    parameters = (
        Parameter(
            "files",
            "integer",
            "The limit; what is open beyond it stays open.",
            default=3,
            low=3,
            high=100_000,
        ),
    )
    undo = "allow-files"
    restored = "may open files again"
    demonstration = Demonstration("frontend@east", hurts={"handshake-east": "down"})

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if site.runtime.lacks_files(part.name):
            raise Failure(f"{part.name} may open few files already", "end that: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.runtime.limit_files(injection.part.name, int(str(injection.parameters["files"])))

    def verify(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if not site.runtime.lacks_files(part.name):
            return Proof(False, f"{part.name} may open as many files as ever")
        if site.answers(part):
            return Proof(None, f"{part.name} still takes connections, with a lower limit of files")
        return Proof(True, f"{part.name} takes no connection of ours: it may open no file more")

    def revert(self, site: Site, injection: Injection) -> None:
        site.runtime.allow_files(injection.part.name)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        few = site.runtime.lacks_files(injection.part.name)
        return Proof(not few, f"{injection.part.name} may open {'few files' if few else 'files as ever'}")

    def leftover(self, site: Site, part: Part) -> str:
        """Only who does not answer is looked at: to look costs a program in the part's container."""
        ill = part.kind == "service" and site.runtime.is_running(part.name) and not site.answers(part)
        return "could open no files" if ill and site.runtime.lacks_files(part.name) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.runtime.allow_files(part.name)


register(OpenFiles())
