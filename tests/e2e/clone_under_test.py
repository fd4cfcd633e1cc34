"""The repository as a fresh clone has it: what git tracks, as it is in the tree under test."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from site_under_test import ROOT

WALL = ROOT / "docker" / "wall"


def clone_to(folder: Path, *, with_wall: bool = True) -> Path:
    """Copy what git tracks, and, `with_wall`, what a machine behind a wall needs to build the image.

    Everything is old, so that `make` finds nothing newer than what it has installed already.
    """
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    walls = [str(path.relative_to(ROOT)) for path in WALL.glob("*")] if with_wall else []
    for name in [*filter(None, listed.stdout.split("\0")), *walls]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
        os.utime(folder / name, (0, 0))
    return folder
