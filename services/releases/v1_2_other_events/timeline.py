"""The fan-out understands the new name."""

from services.releases.v1_2_other_events.understanding import understand
from services.timeline.consumer import FanOut


def change() -> None:
    understand(FanOut)
