"""stop: the process is told to end, may finish what it is at, and stays down until the fault ends."""

from chaos.fault import Injection, register
from chaos.faults.instance.kill import Kill
from testbed.site import Site


class Stop(Kill):
    """What is stopped is down as what is killed: only the way there is another."""

    name = "stop"
    help = "Stop the process in good order (SIGTERM, its grace period) and keep it down until the fault ends."
    example = "failwhale chaos stop post@east --for 10s"

    def apply(self, site: Site, injection: Injection) -> None:
        site.runtime.stop(injection.part.name)


register(Stop())
