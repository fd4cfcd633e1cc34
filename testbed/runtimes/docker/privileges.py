"""Giving up root, in the one container that begins with it.

The engine's socket belongs to a group whose number is known only on the machine it comes from. So the
container of the controller starts as root, without any right but to change who it is, finds the group, and
becomes the site's user as a member of it. Whoever enters that container later does the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from foundation.failure import Failure

USER = 10001
"""Number of the site's user and of its group in the image."""
_HOW_TO_MEND = (
    f"give what is mounted there to that user (on the host: chown -R {USER}:{USER} FOLDER),"
    " or begin with a new volume: docker compose down -v"
)


def drop(environment: Mapping[str, str] = os.environ) -> None:
    """Become the site's user, with the group of the engine's socket.

    Does nothing but as root in the controller's container, which has both ENGINE and STATE in its
    environment: plain processes are told of no engine. Raises Failure when the container may not change who
    it is, or when the state folder is not the site's user's: it must not go on as root, with the socket.
    """
    engine, folder = environment.get("ENGINE"), environment.get("STATE")
    if not engine or not folder or os.geteuid() != 0:
        return
    _refuse_foreign(folder)
    try:
        os.setgroups([*_group_of(urlsplit(engine).path)])
        os.setgid(USER)
        os.setuid(USER)
    except PermissionError:
        raise Failure(
            "this container may not give up root",
            "docker-compose.yml must let the service chaos have cap_add: [SETUID, SETGID]",
        ) from None
    os.environ["HOME"] = "/tmp"  # as in the image's list of users; root's own is closed from now on


def _refuse_foreign(folder: str) -> None:
    try:
        owner = os.stat(folder).st_uid
    except OSError as error:
        raise Failure(f"{folder} cannot be looked at: {error.strerror}", _HOW_TO_MEND) from None
    if owner != USER:
        raise Failure(f"{folder} belongs to user {owner}, and not to the site's user {USER}", _HOW_TO_MEND)


def _group_of(socket: str) -> tuple[int, ...]:
    """The socket's group; none without a socket, which is told by whoever asks the engine."""
    try:
        return (os.stat(socket).st_gid,)
    except OSError:
        return ()
