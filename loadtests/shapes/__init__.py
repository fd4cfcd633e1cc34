"""How much load there is over time. Each file here is a locustfile of its own, with Locust's own options."""

from __future__ import annotations

import time
from abc import abstractmethod

from locust import LoadTestShape

from loadtests.instruments import LocustOptions, current, end_on_interrupt, options_of


class Timed(LoadTestShape):
    """A shape that ends after `--run-time`."""

    abstract = True
    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """How many people there shall be now, and how many may come or go in a second; None at the end."""
        assert self.runner is not None
        environment = self.runner.environment
        options = options_of(environment)
        elapsed = time.perf_counter() - self.start_time
        if elapsed >= options.seconds or current(environment).interrupted:
            return None
        return self.level(elapsed, options)

    def reset_time(self) -> None:
        """Locust calls this when the load begins."""
        super().reset_time()  # type: ignore[no-untyped-call]
        assert self.runner is not None
        end_on_interrupt(self.runner.environment)

    @abstractmethod
    def level(self, elapsed: float, options: LocustOptions) -> tuple[int, float]:
        """The same for `elapsed` seconds after the begin."""
