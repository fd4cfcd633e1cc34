"""Somebody from elsewhere who comes to an edge, and from where logins fail, as an edge counts it."""

from __future__ import annotations

import random
from http import HTTPStatus

from foundation.failure import Failure
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site

_PATIENCE = 2.0


class Stranger:
    """One who logs in at an edge. Where the site is on this machine's loopback they have an address of their
    own there, another one each time, so that they can be told from everybody else."""

    def __init__(self, site: Site, edge: Part) -> None:
        address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
        self._edge = edge
        self._entrance = site.entrance(edge, _PATIENCE, source=address)
        self.is_blocked = False
        """Whether they were told so."""

    def log_in(self, name: str, password: str) -> None:
        """Try a password. Raises Failure when nobody answers."""
        try:
            answer = self._entrance.ask("POST", "/api/v1/sessions", {"name": name, "password": password})
        except Unreachable:
            raise Failure(f"{self._edge.name} does not answer") from None
        self.is_blocked = answer.status == HTTPStatus.FORBIDDEN and answer.problem == "blocked"


def failed_logins(site: Site, edge: Part) -> dict[str, int]:
    """By address, how many logins have failed at this edge in the last seconds. Raises Unreachable."""
    answer = site.control(edge).ask("GET", "/-/failed-logins")
    try:
        return {str(row["address"]): int(row["failures"]) for row in answer.json()["sources"]}
    except (ValueError, KeyError, TypeError):
        raise Unreachable(f"{edge.name} does not say from where logins fail: {answer.detail}") from None
