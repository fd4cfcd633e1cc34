"""Giving up root, in the one container that begins with it.

The engine's socket belongs to a group whose number is known only on the machine it comes from. So the
container of the controller starts as root, without any right but to change who it is, finds the group, and
becomes the site's user as a member of it. Whoever enters that container later does the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from failwhale.failure import Failure

USER = 10001
"""Number of the site's user and of its group in the image."""


def drop(environment: Mapping[str, str] = os.environ) -> None:
    """Become the site's user, with the group of the engine's socket.

    Does nothing but as root in the controller's container: there the state folder belongs to the site's
    user. Raises Failure when the container may not change who it is.
    """
    engine = environment.get("ENGINE")
    if not engine or os.geteuid() != 0 or not _belongs_to_the_site(environment.get("STATE", "")):
        return
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


def _belongs_to_the_site(folder: str) -> bool:
    try:
        return os.stat(folder).st_uid == USER
    except OSError:
        return False


def _group_of(socket: str) -> tuple[int, ...]:
    """The socket's group; none without a socket, which is told by whoever asks the engine."""
    try:
        return (os.stat(socket).st_gid,)
    except OSError:
        return ()
