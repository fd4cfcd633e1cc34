"""As many people as usual, from beginning to end: `--users` of them for `--run-time`."""

from loadtests.instruments import LocustOptions
from loadtests.shapes import Timed
from loadtests.users import Careful, Poster, Reader, Retweeter

__all__ = ["Careful", "Poster", "Reader", "Retweeter", "Steady"]

ARRIVE_WITHIN = 2.0
"""Seconds in which all have come."""


class Steady(Timed):
    """Everybody comes within two seconds and stays."""

    def level(self, elapsed: float, options: LocustOptions) -> tuple[int, float]:
        return options.people, max(1.0, options.people / ARRIVE_WITHIN)
