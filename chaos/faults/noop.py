"""The skeleton of a fault: copy this file, rename the class, fill in the methods. It does nothing to anybody.

Each method gets the site (testbed/site.py: the runtime's verbs, control endpoints, health) and the injection:
one target, the checked parameters, and the seconds that a lease must last. Methods look or act once; waiting
and repeating is done by chaos/execution.py. Then run tests/chaos/test_faults.py, and
tests/e2e/test_every_fault.py, which finds the new fault by its registration and makes it keep what
`demonstration` promises.
"""

from chaos.fault import SERVICES, Demonstration, Fault, Injection, Parameter, Proof, register
from chaos.target import SITE
from testbed.site import Site


class Noop(Fault):
    name = "noop"
    help = "Do nothing for a while (the skeleton of a fault)."
    example = "failwhale chaos noop post@east --for 2s --label hello"
    targets = (*SERVICES, SITE)  # a real fault is for one or the other
    parameters = (
        Parameter("label", "text", "Any text; shows how a parameter is declared.", default="nothing"),
    )
    demonstration = Demonstration("post@east")
    listed = False  # a real fault leaves this line out

    def apply(self, site: Site, injection: Injection) -> None:
        pass

    def verify(self, site: Site, injection: Injection) -> Proof:
        return Proof(True, f"{injection.target.name} is not hurt by {injection.parameters['label']}")

    def revert(self, site: Site, injection: Injection) -> None:
        pass

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        return Proof(True, "nothing was done")


register(Noop())
