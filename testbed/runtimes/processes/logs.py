"""The logs of plain processes: a file for each part."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from testbed.runtimes.logs import Logs

FOLLOW_SECONDS = 0.1
LONGEST_LINE = 65536
"""Bytes. Who asks for the last lines does not wait for a file to be read from its beginning."""


class FileLogs(Logs):
    """Logs that are files."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__(list(files))
        self._files = files

    def _said(self, part: str, last: int | None) -> Iterable[str]:
        for path in (_aside(self._files[part]), self._files[part]):
            if path.exists():
                with open(path, "rb") as file:
                    if last is not None and (skipped := path.stat().st_size - last * LONGEST_LINE) > 0:
                        file.seek(skipped)
                        file.readline()
                    for line in file:
                        yield line.decode(errors="replace").rstrip("\r\n")

    def _news(self) -> Iterator[tuple[str, str]]:
        ends = {part: path.stat().st_size for part, path in self._files.items()}
        while True:
            for part, path in self._files.items():
                size = path.stat().st_size if path.exists() else 0
                if size < ends[part]:  # maintenance has put aside what was there
                    ends[part] = 0
                if size > ends[part]:
                    with open(path, "rb") as file:
                        file.seek(ends[part])
                        whole, _, _ = file.read().rpartition(b"\n")
                    if whole:
                        ends[part] += len(whole) + 1
                        yield from ((part, line) for line in whole.decode(errors="replace").split("\n"))
            time.sleep(FOLLOW_SECONDS)


def _aside(path: Path) -> Path:
    """Where maintenance puts what was in a log before."""
    return path.with_name(f"{path.name}.1")
