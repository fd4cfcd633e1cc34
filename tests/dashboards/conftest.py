"""The Prometheus programs that rules are tested with: what plain processes find, and a current one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

UNPACKED = Path.home() / ".cache" / "failwhale" / "prometheus" / "usr" / "bin"
"""Where dashboards/fetch.sh leaves them."""
CURRENT = "FAILWHALE_CURRENT_PROMETHEUS"
"""The variable that names the folder of a current `prometheus` and `promtool`."""


def _folder(which: str) -> Path | None:
    if which == "current":
        return Path(os.environ[CURRENT]) if os.environ.get(CURRENT) else None
    found = shutil.which("promtool") or shutil.which("promtool", path=str(UNPACKED))
    return Path(found).parent if found else None


@pytest.fixture(scope="session", params=["found", "current"])
def prometheus(request: pytest.FixtureRequest) -> Path:
    """The folder of `prometheus` and `promtool`. What is missing is skipped, but in CI it fails."""
    folder = _folder(request.param)
    if folder is None:
        how = f"set {CURRENT}" if request.param == "current" else "install the package 'prometheus'"
        missing = f"no Prometheus ({request.param}): {how}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return folder
