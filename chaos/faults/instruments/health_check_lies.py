"""health-check-lies: a part answers its users with errors, and everybody who asks that it is well."""

from chaos.fault import Demonstration, Injection, Parameter, Proof, register
from chaos.faults.calls.errors import Errors
from chaos.faults.calls.injection_point import InjectionPoint
from testbed.site import Site


class HealthCheckLies(Errors):
    name = "health-check-lies"
    help = (
        "Answer requests with an error status, and health checks with yes: also when the part has lost its "
        "store. Whoever goes by the checks sends users on to it; of place:east, to a dead data centre."
    )
    example = "failwhale chaos health-check-lies place:east --for 30s"
    parameters = (
        Parameter("status", "integer", "The status that is answered.", default=503, low=400, high=599),
        *InjectionPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})
    precedent = "Microsoft, HotOS 2017: 'gray failures' of Azure, which its health checks did not see"

    def verify(self, site: Site, injection: Injection) -> Proof:
        proof = super().verify(site, injection)
        if not proof.verdict:
            return proof
        status = site.control(injection.part).ask("GET", "/-/ready").status
        return Proof(status == 200, f"{proof.evidence}, and the question whether it is ready with {status}")


register(HealthCheckLies())
