"""`failwhale chaos history`, where there is nothing to tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_files import write_site

from failwhale.verbs import app
from foundation.console import run


def test_without_a_site_it_says_so_and_without_a_fault_that_there_was_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAILWHALE_STATE", str(tmp_path))
    assert run(app, "failwhale", ["chaos", "history"]) == 3
    assert "there is no site" in capsys.readouterr().err
    write_site(tmp_path)
    assert run(app, "failwhale", ["chaos", "history"]) == 0
    assert capsys.readouterr().out == "no fault was ever in force\n"
