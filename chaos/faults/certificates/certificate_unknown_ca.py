"""certificate-unknown-ca: the part shows a certificate of an authority that nobody trusts."""

from chaos.fault import register
from chaos.faults.certificates.certificate_fault import CertificateFault
from testbed.certificates import Flaw


class CertificateUnknownCa(CertificateFault):
    name = "certificate-unknown-ca"
    help = (
        "Give an edge or a service a certificate of a CA that nobody trusts. New handshakes fail, open "
        "connections go on; renewed at the end, without a restart."
    )
    example = "failwhale chaos certificate-unknown-ca frontend@east --for 30s"
    flaw = Flaw.UNKNOWN_CA


register(CertificateUnknownCa())
