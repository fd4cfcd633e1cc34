"""Usage rises to four times the usual and stays: `--users` is the usual number, `--run-time` the length."""

from loadtests.instruments import LocustOptions
from loadtests.shapes import Timed
from loadtests.users import Careful, Poster, Reader, Retweeter

__all__ = ["AllTimeHigh", "Careful", "Poster", "Reader", "Retweeter", "people_at"]

TIMES_THE_USUAL = 4
USUAL_SHARE = 0.2
RISE_SHARE = 0.1


def people_at(elapsed: float, length: float, usual: int) -> int:
    """How many people there are `elapsed` seconds into a load of `length` seconds."""
    risen = (elapsed / length - USUAL_SHARE) / RISE_SHARE
    return round(usual * (1 + (TIMES_THE_USUAL - 1) * min(1.0, max(0.0, risen))))


class AllTimeHigh(Timed):
    """A fifth of the time as usual, a rise in a tenth of it, and then no relief."""

    def level(self, elapsed: float, options: LocustOptions) -> tuple[int, float]:
        # The number follows the rise by itself; the spawn rate only has to be no obstacle to it.
        return people_at(elapsed, options.seconds, options.people), max(2.0, 2.0 * options.people)
