"""A login is good when the site knows who has the session that it gave."""

from __future__ import annotations

from dataclasses import dataclass

from outages.client import PublicAnswer
from outages.failures import Failed
from outages.visit import Visit


@dataclass
class _Visitor:
    token: str
    stale: bool = False


async def must_be_good(visit: Visit, login: PublicAnswer) -> None:
    """Use the session that a login was answered with. Raises Failed."""
    token = login.expect(200).json().get("token")
    if not token:
        raise Failed("wrong-content", "a login without a token")
    (await visit.ask("GET", "/me/second-factor", _Visitor(token))).expect(200)
