"""certificate-expired: the part shows a certificate whose time is over. New connections to it fail."""

from chaos.fault import register
from chaos.faults.certificates.certificate_fault import CertificateFault
from testbed.certificates import Flaw


class CertificateExpired(CertificateFault):
    name = "certificate-expired"
    help = (
        "Give an edge or a service a real certificate of the site's CA that has expired. New handshakes "
        "fail, open connections go on; renewed at the end, without a restart."
    )
    precedent = "Microsoft Teams, 3 February 2020; Starlink, 7 April 2023, a ground station's."
    example = "failwhale chaos certificate-expired frontend@east --for 30s"
    flaw = Flaw.EXPIRED


register(CertificateExpired())
