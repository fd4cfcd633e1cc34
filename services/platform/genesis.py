"""`python -m services.platform.genesis`: what must exist before the first part starts. It ends when it is
there.

Makes the site's CA, a certificate for each part in NAMES and KEEPERS, one for operators (`client`), the
site's control token, the keys that sign sessions, and the passwords of the store. Keeps what exists and is
good, so that it can run at every start.

Each folder is for those who need what is in it: SECRETS for the parts that serve, STORE_ACCESS for stores
and sentinels, OPERATORS for who breaks the site and mends it, MAINTENANCE for who keeps it well, INSTRUMENTS
for who only looks (the control token). PKI has the authority's key, with the certificates of those who may
read it, KEEPERS; and a folder for each of NAMES, which is that part's alone.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from services.platform import access, pki
from services.platform.files import write_atomically
from services.platform.lab_time import LabTime
from services.platform.logs import configure_logging
from services.platform.settings import SettingsError

OPERATORS = "client"

_SECRET = 0o600
_SECRET_OF_GROUP = 0o640
"""For the stores: in their containers they are another user, of the site's group. Elsewhere the folder is
closed to others."""

_CLOSED = 0o700


def make_certificates(folder: Path, names: Iterable[str], own: Iterable[str] = ()) -> list[str]:
    """Make the CA and the certificates that are absent or no longer good; returns the names of the new
    ones. Those of `own` get a folder of their own each, where they find whom to trust, too."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        pki.load_authority(folder)
    except (OSError, ValueError, TypeError):
        pki.install_authority(folder, pki.new_authority())
    own = tuple(own)
    for name in own:
        (folder / name).mkdir(exist_ok=True, mode=_CLOSED)
        pki.trust(folder / name, pki.trusted(folder))
    return pki.renew_due(folder, (*own, *names, OPERATORS))


def make_secrets(folder: Path) -> None:
    """Make the control token and the session keys, unless they exist."""
    folder.mkdir(parents=True, exist_ok=True)
    _secret(folder / "token")
    session_keys = folder / "session-keys.json"
    if not session_keys.exists():
        kid = secrets.token_hex(4)
        keys = {"current": kid, "keys": {kid: secrets.token_urlsafe(48)}}
        write_atomically(session_keys, json.dumps(keys, indent=2).encode(), _SECRET)


def make_store_access(stores: Path, services: Path, operators: Path, maintenance: Path) -> None:
    """Make a password for each user of the store, unless it exists, where who uses it may read it; and for
    the stores and sentinels who may do what, without the passwords of others."""
    for folder in (stores, services, operators, maintenance):
        folder.mkdir(parents=True, exist_ok=True, mode=_CLOSED)
    passwords = {
        access.SERVICE: _secret(services / access.FILE),
        access.MAINTENANCE: _secret(maintenance / access.FILE),
        access.CHAOS: _secret(operators / access.FILE),
        access.REPLICATION: _secret(stores / access.REPLICATION, _SECRET_OF_GROUP),
        access.SENTINEL: _secret(stores / access.SENTINEL, _SECRET_OF_GROUP),
    }
    for name, rules in (("store.users", access.AT_STORES), ("sentinel.users", access.AT_SENTINELS)):
        lines = "".join(f"{line}\n" for line in access.users(rules, passwords))
        write_atomically(stores / name, lines.encode(), _SECRET_OF_GROUP)


def share_with_instruments(folder: Path, secrets_folder: Path) -> None:
    """What those need who only look: the control token."""
    folder.mkdir(parents=True, exist_ok=True, mode=_CLOSED)
    _copy(secrets_folder / "token", folder / "token", _SECRET)


def _secret(file: Path, mode: int = _SECRET) -> str:
    """The secret in the file, made if there is none."""
    if not file.exists():
        write_atomically(file, secrets.token_urlsafe(32).encode(), mode)
    return file.read_text()


def _copy(source: Path, target: Path, mode: int) -> None:
    content = source.read_bytes()
    if not target.exists() or target.read_bytes() != content:
        write_atomically(target, content, mode)


FOLDERS = ("PKI", "SECRETS", "STORE_ACCESS", "OPERATORS", "INSTRUMENTS", "MAINTENANCE")
VARIABLES = (*FOLDERS, "NAMES", "KEEPERS")


def main(environment: Mapping[str, str] = os.environ) -> None:
    missing = [variable for variable in VARIABLES if not environment.get(variable)]
    if missing:
        sys.exit(f"genesis: {', '.join(missing)} not set")
    authority, secrets_folder, stores, operators, instruments, maintenance = (
        Path(environment[name]) for name in FOLDERS
    )
    try:
        lab = LabTime.from_environment(environment)  # nothing has started yet, so that it is said once
        authority.mkdir(parents=True, exist_ok=True)
        pki.keep_lab_time(authority, lab)
        new = make_certificates(authority, environment["KEEPERS"].split(), environment["NAMES"].split())
        make_secrets(secrets_folder)
        make_store_access(stores, secrets_folder, operators, maintenance)
        share_with_instruments(instruments, secrets_folder)
    except (OSError, SettingsError) as error:
        sys.exit(f"genesis: {error}")
    configure_logging()
    logging.getLogger("services.platform.genesis").info("%d new certificates", len(new))


if __name__ == "__main__":
    main()
