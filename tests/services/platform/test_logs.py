from __future__ import annotations

import json
import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest

from services.platform import logs
from services.platform.logs import FailureLog

PROGRAM = """
import logging
from services.platform import request_ids
from services.platform.logs import configure_logging

configure_logging()
logging.getLogger("uvicorn.error").info("not of interest")
logging.getLogger("services.post").info("starts %d", 1)
request_ids.current.set("r-1")
try:
    raise ValueError("line\\nbreak")
except ValueError:
    logging.getLogger("services.post").exception("failed")
"""


def test_lines_are_json_with_the_request() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30
    )
    starts, failed = map(json.loads, done.stderr.splitlines())
    assert (starts["level"], starts["message"]) == ("info", "starts 1")
    assert starts["time"].endswith("+00:00")
    assert "request" not in starts
    assert (failed["level"], failed["message"], failed["request"]) == ("error", "failed", "r-1")
    assert "ValueError: line\nbreak" in failed["traceback"]


def test_failures_do_not_flood(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(logs, "time", SimpleNamespace(monotonic=lambda: now))
    failures = FailureLog(logging.getLogger("services"))
    for _ in range(1000):
        failures.tell("GET", "/a", 503, 0.25)
    now += 1
    failures.tell("GET", "/b", 500, 0.25)
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "GET /a answered 503 after 0.250 s"
    assert messages[-2:] == [
        f"{1000 - logs.LINES_PER_SECOND} more requests failed",
        "GET /b answered 500 after 0.250 s",
    ]
    assert len(messages) == logs.LINES_PER_SECOND + 2
