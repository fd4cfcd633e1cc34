"""`python -m services.platform.healthcheck`: exit 0 when this part is ready, 1 with the reason otherwise.

Run inside a part's own container (or with its environment), so it reads the same LISTEN, PKI, SERVICE and
PLACE and presents the part's own certificate. Only the standard library, because it runs often while a site
starts.
"""

from __future__ import annotations

import http.client
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

TIMEOUT_SECONDS = 2.0


def check(environment: Mapping[str, str] = os.environ) -> tuple[bool, str]:
    """Ask the part's ``/-/ready``; returns whether it is ready and, if not, why."""
    name = "-".join(filter(None, (environment["SERVICE"], environment.get("PLACE"))))
    pki = Path(environment["PKI"])
    host, _, port = environment["LISTEN"].rpartition(":")
    host = "127.0.0.1" if host in ("", "0.0.0.0") else host
    try:
        tls = ssl.create_default_context(cafile=str(pki / "ca.pem"))
        tls.check_hostname = False  # the part is asked by its loopback address, not by its name
        tls.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key")
        connection = http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT_SECONDS, context=tls)
        connection.request("GET", "/-/ready")
        answer = connection.getresponse()
        body = answer.read(500).decode(errors="replace")
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        return False, f"{name} does not answer: {error}"
    return answer.status == 200, f"{name} answers {answer.status}: {body}"


def main() -> None:
    ready, reason = check()
    if not ready:
        print(reason, file=sys.stderr)
    sys.exit(0 if ready else 1)


if __name__ == "__main__":
    main()
