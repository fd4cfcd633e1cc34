"""certificate-wrong-name: the part shows a certificate that is for somebody else."""

from chaos.fault import register
from chaos.faults.certificates.certificate_fault import CertificateFault
from testbed.certificates import Flaw


class CertificateWrongName(CertificateFault):
    name = "certificate-wrong-name"
    help = (
        "Give an edge or a service a real certificate of the site's CA that names somebody else. New "
        "handshakes fail, open connections go on; renewed at the end, without a restart."
    )
    example = "failwhale chaos certificate-wrong-name frontend@east --for 30s"
    flaw = Flaw.WRONG_NAME


register(CertificateWrongName())
