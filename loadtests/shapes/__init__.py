"""How much load there is over time. Each file here is a locustfile of its own, with Locust's own options."""

from __future__ import annotations

import time
from abc import abstractmethod

from locust import LoadTestShape

from loadtests.instruments import Options, options_of


class Timed(LoadTestShape):
    """A shape that ends after `--run-time`."""

    abstract = True
    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """How many people there shall be now, and how many may come or go in a second; None at the end."""
        assert self.runner is not None
        options = options_of(self.runner.environment)
        elapsed = time.perf_counter() - self.start_time
        return self.level(elapsed, options) if elapsed < options.seconds else None

    @abstractmethod
    def level(self, elapsed: float, options: Options) -> tuple[int, float]:
        """The same for `elapsed` seconds after the begin."""
