"""Which release of the site's code a part runs: the one code base, with what differs in that release.

A part is told its release by a file with its name below RELEASES, which it reads at its start; where there
is none it runs RELEASE. What differs is a folder below services/releases, with a module for each service
whose code is another one (`post.py`), or one for all of them (`every_service.py`): its `change()` replaces
functions and classes before the service is built. In 1.0 nothing differs, and nothing of this is passed by a
request.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "services.releases"
EVERY_SERVICE = "every_service"
UNRELEASED = "dev"
"""What runs where nobody names a release: the code as it is."""

_VERSION = re.compile(r"[0-9]+\.[0-9]+(-[a-z0-9-]+)?")


class ReleaseError(Exception):
    """A release is not there, or it cannot be read which one is meant."""


def package_of(version: str) -> str:
    """The package with what differs in a release. Raises ReleaseError when none has this version."""
    package = f"{PACKAGE}.v{re.sub('[.-]', '_', version)}"
    if _VERSION.fullmatch(version) is None or find_spec(package) is None:
        raise ReleaseError(f"there is no release {version!r}")
    return package


def take(version: str, service: str) -> None:
    """Make the code of this process that of a release. Raises ReleaseError when there is no such release,
    and whatever the release raises that breaks at its start."""
    if version == UNRELEASED:
        return
    package = package_of(version)
    for module in (EVERY_SERVICE, service):
        if find_spec(f"{package}.{module}") is not None:
            importlib.import_module(f"{package}.{module}").change()


# --- what a part is told ---


def told(folder: Path, part: str) -> tuple[str, ...]:
    """The releases that a part was told to run, one after the other, the present one last; empty when it was
    never told any. Raises ReleaseError when that cannot be read."""
    file = folder / part
    try:
        versions = json.loads(file.read_text())["releases"]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{file} does not say a release: {error}") from None
    return tuple(map(str, versions))


def tell(folder: Path, part: str, versions: Sequence[str]) -> None:
    """Say which release a part runs from its next start on, after those that it ran before. On return that is
    kept. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{part}.new"
    with open(fresh, "w") as file:
        json.dump({"releases": list(versions)}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / part)
