"""A part for the tests: listens on LISTEN and answers every connection with its pid. Some environment makes
it odd."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path


def main() -> None:
    print(f"toy {os.environ.get('NAME', '?')} runs", flush=True)
    if os.environ.get("CRASH"):
        sys.exit(3)
    if os.environ.get("STUBBORN"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.environ.get("CHILD"):
        child = subprocess.Popen(["sleep", "1000"])
        Path(os.environ["CHILD"]).write_text(str(child.pid))
    host, _, port = os.environ["LISTEN"].rpartition(":")
    with socket.create_server((host, int(port))) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.sendall(f"{os.getpid()}\n".encode())
                except OSError:
                    pass  # whoever only looked whether somebody listens is gone already


if __name__ == "__main__":
    main()
