"""The toy's health check: it answers with a number."""

from __future__ import annotations

import os
import socket
import sys


def main() -> None:
    host, _, port = os.environ["LISTEN"].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=1) as connection:
        sys.exit(0 if connection.recv(100).strip().isdigit() else "the toy does not answer with a number")


if __name__ == "__main__":
    main()
