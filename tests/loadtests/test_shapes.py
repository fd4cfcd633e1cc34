"""How load changes over time. In a process of its own, because Locust changes the standard library."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.generator import LoadPlan, Shape, whole_seconds

LOOK = """
import itertools, json, random
from loadtests.instruments import LocustOptions
from loadtests.shapes import all_time_high, open_loop, steady

options = LocustOptions(people=10, rate=50.0, seconds=100.0, ignore_retry_after=False)
times = list(itertools.takewhile(lambda at: at < 160, open_loop.arrival_times(50, 100, random.Random(7))))
print(json.dumps({
    "high": [all_time_high.people_at(at, 100, 10) for at in range(101)],
    "steady": [steady.Steady().level(at, options)[0] for at in range(100)],
    "gaps": [after - before for before, after in itertools.pairwise([100, *times])],
    "mixture": {action.__name__: share for action, share in open_loop.mixed_actions().items()},
}))
"""


@pytest.fixture(scope="module")
def shapes() -> Any:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_steady_is_steady(shapes: Any) -> None:
    assert set(shapes["steady"]) == {10}


def test_all_time_high_rises_to_four_times_the_usual_and_stays(shapes: Any) -> None:
    people = shapes["high"]
    assert people[:21] == [10] * 21
    assert people == sorted(people)
    assert 10 < people[25] < 40
    assert people[30:] == [40] * 71


def test_arrivals_are_a_poisson_process(shapes: Any) -> None:
    gaps = shapes["gaps"]
    assert all(gap > 0 for gap in gaps)
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(1 / 50, rel=0.1)
    # Exponential gaps: their deviation is their mean, and one in e is longer than it.
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.15)
    assert sum(gap > mean for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.03)


def test_the_mixture_is_mostly_reads(shapes: Any) -> None:
    mixture = shapes["mixture"]
    reads = sum(share for name, share in mixture.items() if name.startswith(("read", "count")))
    assert reads / sum(mixture.values()) > 0.85
    assert mixture["write_post"] > 0
    assert mixture["retweet"] > 0


@pytest.mark.parametrize("shape", Shape)
def test_every_shape_has_its_locustfile(shape: Shape) -> None:
    assert shape.locustfile.is_file()
    command = LoadPlan(shape, people=5, rate=7.5, seconds=3, ignore_retry_after=True).command()
    for words in (("--users", "5"), ("--rate", "7.5"), ("--run-time", "3s")):
        place = command.index(words[0])
        assert command[place + 1] == words[1]
    assert "--ignore-retry-after" in command


@given(st.floats(0.001, 3600))
def test_time_is_rounded_up_to_whole_seconds(seconds: float) -> None:
    whole = whole_seconds(seconds)
    assert whole >= seconds
    assert whole < seconds + 1
