"""Is every certificate good, and for long enough, also of who only stands by?"""

from __future__ import annotations

from collections.abc import Iterator

from drills.finding import Defect, Question
from foundation.failure import Failure
from testbed.endpoint_certificates import EndpointCertificate
from testbed.site import Site

LEAST_DAYS = 20.0
"""Lab days: less is left of none that is renewed in time, as the alert CertificateEndsSoon has it."""


def ask(site: Site) -> Iterator[Defect]:
    silent = []
    for row in site.certificates():
        name = f"{row.presented_by} ({row.endpoint})"
        if row.served == "no answer":
            silent.append(name)
        elif row.served not in ("good", None):
            yield _to_renew(row, f"{name} is refused: {row.served}")
        elif row.days_left is not None and row.days_left < LEAST_DAYS:
            yield _to_renew(row, f"{name} ends in {row.days_left:.1f} days")
    if silent:
        raise Failure(f"{', '.join(silent)} shows none", "failwhale status")


def _to_renew(row: EndpointCertificate, because: str) -> Defect:
    return Defect(because, f"failwhale certificates renew {row.name}")


CERTIFICATES = Question("certificates, idle ones too", f"all are good for {LEAST_DAYS:.0f} days or more", ask)
