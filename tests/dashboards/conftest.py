"""The programs that the configuration is tested with: what plain processes find, and current ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from services.platform import pki
from testbed.runtimes.processes import programs

UNPACKED = Path.home() / ".cache" / "failwhale" / "prometheus" / "usr" / "bin"
"""Where dashboards/fetch.sh leaves Prometheus and promtool."""
CURRENT = "FAILWHALE_CURRENT_PROMETHEUS"
"""The variable that names the folder of a current `prometheus`, `promtool` and `alertmanager`."""

EACH = ["found", "current"]


def _current() -> Path | None:
    return Path(os.environ[CURRENT]) if os.environ.get(CURRENT) else None


def _found() -> Path | None:
    found = shutil.which("promtool") or shutil.which("promtool", path=str(UNPACKED))
    return Path(found).parent if found else None


def _skip(what: str, which: str, package: str) -> None:
    """What is missing is skipped, but in CI it fails."""
    how = f"set {CURRENT}" if which == "current" else f"install the package '{package}'"
    missing = f"no {what} ({which}): {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


@pytest.fixture(scope="session", params=EACH)
def prometheus(request: pytest.FixtureRequest) -> Path:
    """The folder of `prometheus` and `promtool`."""
    folder = _current() if request.param == "current" else _found()
    if folder is None:
        _skip("Prometheus", request.param, "prometheus")
    assert folder is not None
    return folder


@pytest.fixture(scope="session", params=EACH)
def alertmanager(request: pytest.FixtureRequest) -> Path:
    """The program."""
    if request.param == "current":
        folder = _current()
        found = str(folder / "alertmanager") if folder else None
    else:
        found = programs.find("alertmanager", os.environ)
    if found is None:
        _skip("Alertmanager", request.param, "prometheus-alertmanager")
    assert found is not None
    return Path(found)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with those of who monitors."""
    folder = tmp_path / "pki"
    folder.mkdir()
    authority = pki.new_authority()
    pki.install_authority(folder, authority)
    for name in ("prober", "prometheus", "alertmanager"):
        pki.issue(name, ca=authority).install(folder, name)
    return folder
