"""Locust's page, in a process of its own, driven as a browser drives it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from loadtests.target import census_file

PAGE = Path(__file__).parents[2] / "loadtests" / "webui.py"
FEW = {"user_count": "4", "spawn_rate": "4"}
IN_A_HURRY = """
from loadtests import webui
from loadtests.webui import *

webui.LONGEST = 1
"""


@dataclass
class Page:
    """One Locust with its page."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def begin(self, **form: str) -> dict[str, Any]:
        """What the page's button does; returns what the page would show."""
        return dict(self.client.post("/swarm", data=form).json())

    def now(self) -> dict[str, Any]:
        """What the page shows; up to two seconds old."""
        return dict(self.client.get("/stats/requests").json())

    def settings(self) -> dict[str, Any]:
        """What the form begins with."""
        found = re.search(r"window\.templateArgs = (\{.*\})", self.client.get("/").text)
        assert found is not None
        return dict(json.loads(found[1]))

    def wait(self, condition: Callable[[dict[str, Any]], bool], what: str, seconds: float = 20) -> Any:
        end = time.monotonic() + seconds
        while not condition(now := self.now()):
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}; {now}"
            time.sleep(0.1)
        return now


@pytest.fixture
def open_page(fake_site: Any) -> Iterator[Callable[..., Page]]:
    """Starts Locust as the compose file does: a part of the site. It is gone at the end of the test."""
    opened: list[Page] = []

    def start(locustfile: Path = PAGE) -> Page:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        edges = ",".join(f"{place}=https://localhost:{at}" for place, at in fake_site.ports.items())
        own = {name: value for name, value in os.environ.items() if not name.startswith("FAILWHALE_")}
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "locust", "--locustfile", str(locustfile)),
                *("--web-host", "127.0.0.1", "--web-port", str(port), "--loglevel", "ERROR"),
            ],
            env={**own, "EDGES": edges, "CA": str(fake_site.state.ca), "STATE": str(fake_site.state.path)},
            stdin=subprocess.DEVNULL,
            text=True,
        )
        page = Page(process, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10))
        opened.append(page)
        end = time.monotonic() + 20
        while True:
            try:
                page.client.get("/")
                return page
            except httpx.TransportError:
                assert process.poll() is None, "Locust ended by itself"
                assert time.monotonic() < end, "no page within 20 s"
                time.sleep(0.1)

    yield start
    for page in opened:
        page.client.close()
        page.process.terminate()
        try:
            page.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            page.process.kill()
            page.process.wait()


def test_the_form_begins_with_this_site_and_a_load_that_ends(open_page: Any, fake_site: Any) -> None:
    settings = open_page().settings()
    assert settings["host"] == f"https://localhost:{fake_site.ports['east']}"
    assert (settings["num_users"], settings["run_time"]) == (50, 60)
    assert settings["available_shape_classes"] == ["Default", "AllTimeHigh"]
    assert settings["available_user_classes"] == ["Poster", "Reader", "Retweeter"]
    assert "write_post" in settings["available_user_tasks"]["Poster"]


def test_people_come_use_both_edges_and_leave_and_may_come_again(open_page: Any, fake_site: Any) -> None:
    page = open_page()
    for _ in range(2):
        fake_site.requests.clear()
        assert page.begin(**FEW, run_time="4s")["success"] is True
        page.wait(lambda now: now["state"] == "running", "people are there")
        last = page.wait(lambda now: now["state"] == "stopped", "the time is over")
        assert last["errors"] == []
        assert last["stats"][-1]["num_requests"] > 4
        assert {edge for edge, _, _ in fake_site.requests} == {"east", "west"}
    assert not fake_site.record.exists()


def test_a_shape_ends_with_its_time(open_page: Any) -> None:
    page = open_page()
    assert page.begin(**FEW, run_time="4", shape_class="AllTimeHigh")["success"] is True
    page.wait(lambda now: now["user_count"] == 16, "four times the usual")
    page.wait(lambda now: now["state"] == "stopped", "the time is over")


def test_the_button_ends_it_at_once(open_page: Any) -> None:
    page = open_page()
    page.begin(**FEW)
    page.wait(lambda now: now["state"] == "running", "people are there")
    page.client.post("/stop")
    page.wait(lambda now: now["state"] == "stopped", "they have left", seconds=5)


def test_without_a_time_it_ends_all_the_same(open_page: Any, tmp_path: Path) -> None:
    hurried = tmp_path / "hurried.py"
    hurried.write_text(IN_A_HURRY)
    page = open_page(hurried)
    assert page.begin(**FEW, run_time="")["success"] is True
    page.wait(lambda now: now["state"] == "stopped", "the longest time is over", seconds=8)


def test_what_is_too_much_or_elsewhere_is_refused_in_words(open_page: Any, fake_site: Any) -> None:
    page = open_page()
    for form, words in (
        ({"user_count": "1000000"}, "Choose at most 400"),
        ({"num_users": "1000000"}, "Choose at most 400"),
        ({"user_count": "-1"}, "Choose at most 400"),
        ({"shape_class": "AllTimeHigh", "user_count": "101"}, "Choose at most 100"),
        ({"rate": "1e9"}, "Choose at most 1,000"),
        ({"rate": "nan"}, "Choose at most 1,000"),
        ({"run_time": "3h"}, "Choose at most 900"),
        ({"run_time": "soon"}, "'soon' is no number"),
        ({"host": "https://example.com"}, "another site"),
    ):
        answer = page.begin(**{**FEW, **form})
        assert answer["success"] is False, form
        assert words in answer["message"], form
    assert page.now()["state"] == "ready"
    assert fake_site.requests == []


def test_without_people_it_says_who_brings_them(open_page: Any, fake_site: Any) -> None:
    file = census_file(fake_site.state)
    census = file.read_text()
    file.unlink()
    page = open_page()
    answer = page.begin(**FEW)
    assert answer["success"] is False
    assert "failwhale populate" in answer["message"]
    file.write_text(census)
    assert page.begin(**FEW, run_time="1")["success"] is True


def test_it_is_for_the_page_alone(fake_site: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "locust", "--locustfile", str(PAGE), "--headless", "--users", "1000000"],
        env={**os.environ, "FAILWHALE_STATE": str(fake_site.state.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "failwhale load" in done.stderr
