"""Faults that a part has from its next start on: told by a file each, for while it starts nobody can ask it.

They lie beside the file that says the part's release. What is told expires there by two clocks, the wall's
and the machine's own, so that it ends whoever is dead by then.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from services.platform.injection.spec import FaultSpec

_MACHINE = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that nobody can set; in containers it is the same."""


def told(folder: Path, part: str) -> dict[str, FaultSpec]:
    """By their ids the faults of a part whose time has not run out, with the seconds that they have left."""
    return dict(_told(folder, part))


def _told(folder: Path, part: str) -> Iterator[tuple[str, FaultSpec]]:
    for file in sorted(folder.glob(f"{part}.*.fault")):
        try:
            row = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):  # taken back meanwhile, or not written to its end
            continue
        left = min(row["until"] - time.time(), row["until_by_machine"] - time.clock_gettime(_MACHINE))
        if left > 0:
            identifier = file.name.removeprefix(f"{part}.").removesuffix(".fault")
            yield identifier, FaultSpec.model_validate({**row["fault"], "seconds": left})


def tell(folder: Path, part: str, identifier: str, fault: FaultSpec) -> None:
    """Have a part begin with this fault, from its next start on. On return that is kept. Raises OSError."""
    row = {
        "until": time.time() + fault.seconds,
        "until_by_machine": time.clock_gettime(_MACHINE) + fault.seconds,
        "fault": fault.model_dump(exclude_unset=True),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with open(_file(folder, part, identifier), "w") as file:
        json.dump(row, file)
        file.flush()
        os.fsync(file.fileno())


def forget(folder: Path, part: str, identifier: str) -> None:
    """Take that back; what was never told is forgotten already. Raises OSError."""
    _file(folder, part, identifier).unlink(missing_ok=True)


def _file(folder: Path, part: str, identifier: str) -> Path:
    return folder / f"{part}.{identifier}.fault"
