"""expire-certificate: the part shows a certificate whose time is over. New connections to it fail."""

from chaos.fault import SERVICES, Demonstration, Fault, Injection, Proof, register
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class ExpireCertificate(Fault):
    name = "expire-certificate"
    help = (
        "Give an edge or a service a real certificate of the site's CA that has expired. New handshakes "
        "fail, open connections go on; renewed at the end, without a restart."
    )
    precedent = "Microsoft Teams, 3 February 2020; Starlink, 7 April 2023, a ground station's."
    example = "failwhale chaos expire-certificate frontend@east --for 30s"
    targets = SERVICES
    demonstration = Demonstration("frontend@east", hurts={"handshake-east": "down"})

    def precondition(self, site: Site, part: Part) -> None:
        if site.certificate_expired(part):
            raise Failure(
                f"the certificate of {part.name} has expired already", "renew it: failwhale chaos heal"
            )

    def apply(self, site: Site, injection: Injection) -> None:
        site.expire_certificate(injection.part)

    def verify(self, site: Site, injection: Injection) -> Proof:
        """A part looks at its files about once a second."""
        name, shown = injection.part.name, site.shows_expired_certificate(injection.part)
        if shown is None:
            return Proof(None, f"{name} does not answer")
        return Proof(
            shown, f"a new connection to {name} {'fails: certificate has expired' if shown else 'is made'}"
        )

    def revert(self, site: Site, injection: Injection) -> None:
        if site.certificate_expired(injection.part):
            site.renew_certificate(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """One that is down or frozen shows none; it has the new one when it answers again."""
        name = injection.part.name
        if site.certificate_expired(injection.part):
            return Proof(False, f"the certificate of {name} has expired")
        shown = site.shows_expired_certificate(injection.part)
        return Proof(
            not shown, f"{name} {'still shows the expired certificate' if shown else 'has a good one'}"
        )

    def leftover(self, site: Site, part: Part) -> str:
        return "had a certificate that has expired" if site.certificate_expired(part) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.renew_certificate(part)


register(ExpireCertificate())
