"""What genesis writes to its log has a time, as the lines of all services have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from services.platform.genesis import FOLDERS


def test_the_line_of_genesis_has_a_time(tmp_path: Path) -> None:
    folders = {name: str(tmp_path / name.lower()) for name in FOLDERS}
    for folder in folders.values():
        Path(folder).mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "services.platform.genesis"],
        env={**os.environ, **folders, "NAMES": "post-east", "KEEPERS": "post-east"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    (line,) = (done.stdout + done.stderr).splitlines()
    said = json.loads(line)
    assert said["message"].endswith("new certificates")
    assert said["time"]
