"""What an operation leaves in the graphs: a series for some seconds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from foundation.ledger import Ledger
from outages.metrics import ProberMetrics
from outages.operations_done import SHOWN_SECONDS, OperationsDone

DONE = {
    "id": "o-1",
    "operation": "restart",
    "target": "post:all",
    "parts": ["post@east"],
    "asked_by": "anna",
    "said": "restarted",
    "seconds": 1.0,
}


def marks(metrics: ProberMetrics) -> list[str]:
    lines = metrics.expose().decode().splitlines()
    return [line.rpartition(" ")[0] for line in lines if line.startswith("operation_done_time_seconds{")]


def test_an_operation_is_a_series_for_some_seconds_after_it_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    ledger.append("operation.done", **{**DONE, "operation": "renew"})  # before the prober began to look
    metrics = ProberMetrics()
    metrics.register(OperationsDone(ledger.path))
    assert marks(metrics) == []
    ledger.append("operation.begun", **DONE)
    ledger.append("operation.refused", **DONE, why="it is ill")
    assert marks(metrics) == []
    ledger.append("operation.done", **DONE)
    ledger.append("operation.done", **{**DONE, "target": None})  # no such record
    now = time.time()
    shown = ['operation_done_time_seconds{operation="restart",target="post:all"}']
    assert marks(metrics) == shown
    assert marks(metrics) == shown
    monkeypatch.setattr("outages.operations_done.time.time", lambda: now + SHOWN_SECONDS + 1)
    assert marks(metrics) == []


def test_there_need_be_no_ledger_yet(tmp_path: Path) -> None:
    metrics = ProberMetrics()
    metrics.register(OperationsDone(tmp_path / "ledger.ndjson"))
    assert marks(metrics) == []
    Ledger(tmp_path / "ledger.ndjson").append("operation.done", **DONE)
    assert len(marks(metrics)) == 1
