"""certificate-half-rotated: the part shows a certificate of a new CA, which not all of its callers trust
yet."""

from __future__ import annotations

from collections.abc import Mapping

from chaos.fault import SERVICES, Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.certificates.certificate_fault import CertificateFault
from chaos.target import CALLERS
from foundation.failure import USAGE, Failure
from testbed.certificates import Flaw
from testbed.inventory import Part
from testbed.site import Site


class CertificateHalfRotated(CertificateFault):
    name = "certificate-half-rotated"
    help = (
        "Give a service a certificate of a new CA, which only its callers outside of one data centre have "
        "been told to trust: theirs go on, new connections of the others fail."
    )
    example = "failwhale chaos certificate-half-rotated auth:all --for 30s"
    targets = tuple(service for service in SERVICES if service in CALLERS)
    parameters = (
        Parameter("untold", "text", "Data centre whose callers do not trust the new CA yet.", default="east"),
    )
    flaw = Flaw.UNKNOWN_CA
    demonstration = Demonstration("auth:all", hurts={"login": "down"})

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if not all(_callers(site, part, parameters)):
            places = ", ".join(dict.fromkeys(one.place for one in site.inventory.parts if one.place))
            raise Failure(
                f"untold: {part.name} needs callers both in {parameters['untold']} and elsewhere",
                f"data centres: {places}",
                USAGE,
            )

    def apply(self, site: Site, injection: Injection) -> None:
        told, _ = _callers(site, injection.part, injection.parameters)
        site.half_rotate_certificate(injection.part, told)

    def verify(self, site: Site, injection: Injection) -> Proof:
        refused = super().verify(site, injection)
        if not refused.verdict:
            return refused
        told, untold = _callers(site, injection.part, injection.parameters)
        for verdict, caller in [*((True, one) for one in told), *((False, one) for one in untold)]:
            shown = site.presented_certificate(injection.part, caller)
            if shown is None or (shown.flaw is None) is not verdict:
                return Proof(None if shown is None else False, f"{caller.name} is not told as it should be")
        names = [", ".join(one.name for one in callers) for callers in (told, untold)]
        return Proof(True, f"{refused.evidence}; {names[0]} would trust it, {names[1]} would not")


def _callers(site: Site, part: Part, parameters: Mapping[str, Value]) -> tuple[list[Part], list[Part]]:
    """Who calls the part: those who are told of the new CA, and those who are not."""
    callers = [one for one in site.inventory.parts if one.service in CALLERS[part.service]]
    untold = [one for one in callers if one.place == parameters["untold"]]
    return [one for one in callers if one not in untold], untold


register(CertificateHalfRotated())
