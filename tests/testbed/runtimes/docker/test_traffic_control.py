"""What the kernel is told of packets: the same bytes that iproute2 sends, as strace showed them."""

from __future__ import annotations

import pytest

from testbed.runtimes.docker import traffic_control


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        (  # tc qdisc replace dev lo root netem delay 100ms 20ms
            {"delay": 0.1, "jitter": 0.02},
            "84d71700e8030000000000000000000000000000b4c40400",
        ),
        (  # tc qdisc replace dev lo root netem delay 100ms reorder 25%
            {"delay": 0.1, "overtaking": 0.25},
            "84d71700e8030000000000000100000000000000000000000c0003000000004000000000",
        ),
        (  # tc qdisc replace dev lo root netem corrupt 10%
            {"corruption": 0.1},
            "00000000e8030000000000000000000000000000000000000c0004009a99991900000000",
        ),
    ],
)
def test_netem_is_asked_as_iproute2_does_it(wanted: dict[str, float], sent: str) -> None:
    assert traffic_control._netem(wanted).hex() == sent
