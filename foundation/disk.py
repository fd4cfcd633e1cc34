"""Whether there is room left where a site keeps its state. Without it nothing new is begun."""

from __future__ import annotations

import os
from pathlib import Path

LEAST_ROOM = 256 * 1024
"""Bytes. With less than this left a folder counts as full: what ends must find room to be written down."""


def is_full(folder: Path) -> bool:
    """Whether the disk below this folder has next to no room left. False for a folder that is not there."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < LEAST_ROOM or (disk.f_files > 0 and disk.f_favail == 0)
