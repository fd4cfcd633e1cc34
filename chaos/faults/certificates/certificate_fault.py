"""What the faults of certificates share: a part presents one that is refused, until it is renewed.

The effect is a fresh handshake with the part, refused for the right reason; connections that are open go on.
"""

from __future__ import annotations

from typing import ClassVar

from chaos.fault import MAINTENANCE, SERVICES, Demonstration, Fault, Injection, Proof
from foundation.failure import Failure
from testbed.certificates import Flaw
from testbed.inventory import Part
from testbed.site import Site


class CertificateFault(Fault):
    """A part gets a certificate with a flaw."""

    flaw: ClassVar[Flaw]
    targets: ClassVar[tuple[str, ...]] = (*SERVICES, MAINTENANCE)
    demonstration = Demonstration("frontend@east", hurts={"handshake-east": "down"})

    def precondition(self, site: Site, part: Part) -> None:
        if flaw := site.certificate_flaw(part):
            raise Failure(
                f"the certificate of {part.name} is bad already: {flaw}",
                f"renew it: failwhale certificates renew {part.name}",
            )

    def apply(self, site: Site, injection: Injection) -> None:
        site.give_certificate(injection.part, self.flaw)

    def verify(self, site: Site, injection: Injection) -> Proof:
        """A part looks at its files about once a second."""
        name, shown = injection.part.name, site.presented_certificate(injection.part)
        if shown is None:
            return Proof(None, f"{name} does not answer")
        return Proof(
            shown.flaw is self.flaw,
            f"a new connection to {name} {f'is refused: {shown.flaw}' if shown.flaw else 'is made'}",
        )

    def revert(self, site: Site, injection: Injection) -> None:
        site.renew_certificate(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """One that is down or frozen shows none; it has the new one when it answers again."""
        name = injection.part.name
        if flaw := site.certificate_flaw(injection.part):
            return Proof(False, f"the certificate of {name} is bad: {flaw}")
        shown = site.presented_certificate(injection.part)
        if shown is not None and shown.flaw:
            return Proof(False, f"{name} still presents the bad certificate: {shown.flaw}")
        return Proof(True, f"{name} has a good one")

    def leftover(self, site: Site, part: Part) -> str:
        flaw = site.certificate_flaw(part)
        return f"had a bad certificate ({flaw})" if flaw else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.renew_certificate(part)
