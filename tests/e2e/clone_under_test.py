"""The repository as a fresh clone has it: what git tracks, as it is in the tree under test."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from pathlib import Path

from site_under_test import ROOT

PROXY = ROOT / "docker" / "proxy"


def clone_to(folder: Path, *, with_proxy: bool = True) -> Path:
    """Copy what git tracks, and, `with_proxy`, what building the image needs behind a company's proxy.

    Everything is old, so that `make` finds nothing newer than what it has installed already. No two contents
    of a file are equally old: a builder takes one of the same size and age for the one that it knows.
    """
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    extra = [str(path.relative_to(ROOT)) for path in PROXY.glob("*")] if with_proxy else []
    for name in [*filter(None, listed.stdout.split("\0")), *extra]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
        os.utime(folder / name, (0, zlib.crc32((folder / name).read_bytes()) % 10**9))
    return folder
