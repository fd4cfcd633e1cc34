"""`python -m services.platform.genesis`: what must exist before the first part starts. It ends when it is
there.

Makes the site's CA, a certificate for each part in NAMES, one for operators (`client`), the site's control
token and the keys that sign sessions, below PKI and SECRETS. Keeps what exists and is good, so that it can
run at every start.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from services.platform import pki
from services.platform.files import write_atomically

OPERATORS = "client"

_SECRET = 0o600


def make_certificates(folder: Path, names: Iterable[str]) -> list[str]:
    """Make the CA and the certificates that are absent or no longer good; returns the names of the new
    ones."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        authority = pki.load_authority(folder)
    except (OSError, ValueError, TypeError):
        authority = pki.new_authority()
        pki.install_authority(folder, authority)
    new = [name for name in dict.fromkeys((*names, OPERATORS)) if not pki.is_good(folder, name, authority)]
    for name in new:
        pki.issue(name, ca=authority).install(folder, name)
    return new


def make_secrets(folder: Path) -> None:
    """Make the control token and the session keys, unless they exist."""
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / "token"
    if not token.exists():
        write_atomically(token, secrets.token_urlsafe(32).encode(), _SECRET)
    session_keys = folder / "session-keys.json"
    if not session_keys.exists():
        kid = secrets.token_hex(4)
        keys = {"current": kid, "keys": {kid: secrets.token_urlsafe(48)}}
        write_atomically(session_keys, json.dumps(keys, indent=2).encode(), _SECRET)


def main(environment: Mapping[str, str] = os.environ) -> None:
    missing = [variable for variable in ("PKI", "SECRETS", "NAMES") if not environment.get(variable)]
    if missing:
        sys.exit(f"genesis: {', '.join(missing)} not set")
    try:
        new = make_certificates(Path(environment["PKI"]), environment["NAMES"].split())
        make_secrets(Path(environment["SECRETS"]))
    except OSError as error:
        sys.exit(f"genesis: {error}")
    print(f"genesis: {len(new)} new certificates in {environment['PKI']}", flush=True)


if __name__ == "__main__":
    main()
