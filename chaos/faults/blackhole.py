"""blackhole: requests are accepted and never answered."""

from chaos.fault import Demonstration, register
from chaos.points import FaultPoint


class Blackhole(FaultPoint):
    name = "blackhole"
    help = "Accept requests and never answer them, at the service's fault point."
    example = "failwhale chaos blackhole auth@west --share 50% --for 30s"
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})


register(Blackhole())
