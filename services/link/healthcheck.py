"""`python -m services.link.healthcheck`: exit 0 when the link works, 1 with the reason otherwise.

Run inside the part's own container (or with its environment), so it reads the same ROUTES. The link works
when it does something about a connection: a frozen one accepts, but neither relays nor closes. Whether there
is somebody at the other end is not its concern. Only the standard library, because it runs often.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping

from services.link.routes import routes_of
from services.platform.settings import Address, SettingsError

TIMEOUT_SECONDS = 2.0


def check(environment: Mapping[str, str] = os.environ) -> tuple[bool, str]:
    """Send a PING through the first route; returns whether it led to anything and, if not, why."""
    try:
        listen = routes_of(environment)[0].listen
    except SettingsError as error:
        return False, str(error)
    own = Address("127.0.0.1" if listen.host in ("", "0.0.0.0") else listen.host, listen.port)
    try:
        with socket.create_connection((own.host, own.port), TIMEOUT_SECONDS) as connection:
            connection.sendall(b"PING\r\n")
            connection.recv(64)
    except ConnectionResetError:  # after it was accepted: nobody is at the other end
        return True, ""
    except OSError as error:
        return False, f"the link does not answer at {own}: {error}"
    return True, ""


def main() -> None:
    works, reason = check()
    if not works:
        print(reason, file=sys.stderr)
    sys.exit(0 if works else 1)


if __name__ == "__main__":
    main()
