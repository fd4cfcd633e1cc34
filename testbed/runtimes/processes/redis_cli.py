"""The little of `redis-cli` that health checks and start scripts need: `redis-cli [-h HOST] [-p PORT]
[--user NAME] WORD...`, with the user's password in REDISCLI_AUTH.

Exists because the wheel that brings the server brings no client. Runs as a script and, forked, as a
function.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    from pathlib import Path

    sys.path[0] = str(Path(__file__).parents[3])  # started by path, without site-packages, for speed

from testbed.runtimes.processes.resp import Reply, ReplyError, ask


def main() -> None:
    """Print the answer, one element a line. Exit 1, with the reason, when there is none or it is an
    error."""
    words = sys.argv[1:]
    options = {"-h": "127.0.0.1", "-p": "6379", "--user": "default"}
    while len(words) > 1 and words[0] in options:
        options[words[0]] = words[1]
        words = words[2:]
    if not words or words[0].startswith("-"):
        sys.exit("redis-cli: only -h HOST, -p PORT and --user NAME are known here, followed by a command")
    password = os.environ.get("REDISCLI_AUTH")
    access = (options["--user"], password) if password else None
    try:
        answer = ask(options["-h"], int(options["-p"]), words, access)
    except (OSError, ReplyError) as error:
        sys.exit(f"redis-cli: {error}")
    print("\n".join(_lines(answer)))


def _lines(answer: Reply) -> list[str]:
    if isinstance(answer, list):
        return [line for item in answer for line in _lines(item)]
    return ["" if answer is None else str(answer)]


if __name__ == "__main__":
    main()
