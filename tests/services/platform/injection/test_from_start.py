"""What a part is told to begin with: kept until its time has run out, whichever clock somebody sets."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from services.platform.injection import from_start
from services.platform.injection.spec import FaultSpec

LONG = FaultSpec(kind="crash-loop", seconds=60, delay=0.5)


def test_a_part_is_told_its_own_faults_with_what_is_left_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "releases"
    assert from_start.told(folder, "post@east") == {}
    from_start.tell(folder, "post@east", "crash-loop-1", LONG)
    from_start.tell(folder, "post@west", "crash-loop-2", LONG)
    (identifier, fault), *others = from_start.told(folder, "post@east").items()
    assert (identifier, others) == ("crash-loop-1", [])
    assert (fault.kind, fault.delay) == ("crash-loop", 0.5)
    assert 50 < fault.seconds <= 60
    for _ in range(2):
        from_start.forget(folder, "post@east", "crash-loop-1")
    assert from_start.told(folder, "post@east") == {}
    assert list(from_start.told(folder, "post@west")) == ["crash-loop-2"]


@pytest.mark.parametrize("clock", ["time", "clock_gettime"])
def test_it_ends_by_the_clock_that_says_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    from_start.tell(tmp_path, "post@east", "crash-loop-1", LONG)
    real = getattr(time, clock)
    monkeypatch.setattr(time, clock, lambda *which: real(*which) - 3600)
    assert from_start.told(tmp_path, "post@east")["crash-loop-1"].seconds <= 60
    monkeypatch.setattr(time, clock, lambda *which: real(*which) + 61)
    assert from_start.told(tmp_path, "post@east") == {}


def test_what_cannot_be_read_keeps_no_part_from_starting(tmp_path: Path) -> None:
    (tmp_path / "post@east.half.fault").write_text('{"until": ')
    from_start.tell(tmp_path, "post@east", "crash-loop-1", LONG)
    assert list(from_start.told(tmp_path, "post@east")) == ["crash-loop-1"]
