"""Locust's page in front of the real site: people come by mouse, use it, and leave in time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from site_under_test import Site, wait_until

PAGE = Path(__file__).parents[2] / "loadtests" / "webui.py"
PEOPLE = 10


@pytest.fixture
def page(site: Site, tmp_path: Path) -> Iterator[httpx.Client]:
    """The page of a Locust that is told of the site as the compose file tells it; gone at the end."""
    if not site.read("population.json"):
        site.ok("populate", "--people", "50", "--seed", "7")
    (tmp_path / "population.json").write_text(site.read("population.json"))
    (tmp_path / "ca.pem").write_text(site.read("pki/ca.pem"))
    told = {
        "EDGES": f"east={site.edge('east')},west={site.edge('west')}",
        "CA": str(tmp_path / "ca.pem"),
        "STATE": str(tmp_path),
    }
    own = {name: value for name, value in os.environ.items() if not name.startswith("FAILWHALE_")}
    port = str(site.ports["locust"])
    locust = subprocess.Popen(
        [
            *(sys.executable, "-m", "locust", "--locustfile", str(PAGE), "--loglevel", "ERROR"),
            *("--web-host", "127.0.0.1", "--web-port", port),
        ],
        env={**own, **told},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait_until(lambda: is_open(client), 20, "Locust's page")
            yield client
    finally:
        locust.terminate()
        try:
            locust.wait(timeout=10)
        except subprocess.TimeoutExpired:
            locust.kill()
            locust.wait()


def is_open(client: httpx.Client) -> bool:
    try:
        return client.get("/").status_code == 200
    except httpx.TransportError:
        return False


def test_people_come_by_mouse_and_leave_in_time(site: Site, page: httpx.Client) -> None:
    too_many = page.post("/swarm", data={"user_count": "1000000", "spawn_rate": "1000"}).json()
    assert too_many["success"] is False

    form = {"user_count": str(PEOPLE), "spawn_rate": str(PEOPLE), "run_time": "8s", "host": site.edge("east")}
    assert page.post("/swarm", data=form).json()["success"] is True

    def now() -> Any:
        return page.get("/stats/requests").json()

    wait_until(lambda: now()["user_count"] == PEOPLE, 8, "everybody is there")
    wait_until(lambda: now()["state"] == "stopped", 25, "the time is over")
    last = now()
    assert last["errors"] == []
    assert last["user_count"] == 0
    did = {row["name"]: row["num_requests"] for row in last["stats"]}
    assert did["POST /sessions"] == PEOPLE
    assert did["GET /timelines/home"] > PEOPLE
    assert site.is_green()
