"""What holds for all tests."""

from __future__ import annotations

import asyncio
import functools
import inspect
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LONGEST = 120.0
"""Seconds that a test with an event loop may take. uvloop loses the signal of pytest-timeout."""


def pytest_configure(config: pytest.Config) -> None:
    """Who ends the tests politely gets the same clean-up as with Ctrl-C: what they started is ended, too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        item.obj = _bounded(item.obj)


def _bounded(test: Any) -> Any:
    @functools.wraps(test)
    async def run(*arguments: Any, **fixtures: Any) -> None:
        async with asyncio.timeout(LONGEST):
            await test(*arguments, **fixtures)

    return run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a file system of its own")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
