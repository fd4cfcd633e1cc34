"""certificate-not-yet-valid: the part shows a certificate whose time has not come, as where a clock is
wrong."""

from chaos.fault import register
from chaos.faults.certificates.certificate_fault import CertificateFault
from testbed.certificates import Flaw


class CertificateNotYetValid(CertificateFault):
    name = "certificate-not-yet-valid"
    help = (
        "Give an edge or a service a real certificate of the site's CA that is valid from an hour hence. New "
        "handshakes fail, open connections go on; renewed at the end, without a restart."
    )
    example = "failwhale chaos certificate-not-yet-valid frontend@east --for 30s"
    flaw = Flaw.NOT_YET_VALID


register(CertificateNotYetValid())
