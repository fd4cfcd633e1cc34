"""Who is let in no more: addresses and accounts that somebody on call has blocked, by the configuration."""

from __future__ import annotations

from starlette.types import Scope

from services.frontend.address_limit import address_of
from services.platform.configuration.document import Document
from services.platform.configuration.schema import BLOCKED_ACCOUNTS, BLOCKED_ADDRESSES
from services.platform.problems import Problem
from services.platform.tokens import Session


class Blocked:
    """Refusing costs a look into a set, and one more where it is not empty."""

    def __init__(self) -> None:
        self._addresses: frozenset[str] = frozenset()
        self._accounts: frozenset[str] = frozenset()

    def apply(self, document: Document) -> None:
        """Go by this configuration. Raises TypeError for what is no list."""
        addresses = frozenset(str(one) for one in document.value(BLOCKED_ADDRESSES))
        self._accounts = frozenset(str(one).lower() for one in document.value(BLOCKED_ACCOUNTS))
        self._addresses = addresses

    def refuse_address(self, scope: Scope) -> None:
        """Raise Problem 403 for a request that comes from a blocked address."""
        if self._addresses and address_of(scope) in self._addresses:
            raise _blocked("This address is blocked.")

    def refuse_account(self, session: Session | None) -> None:
        """Raise Problem 403 for a session of a blocked account."""
        if self._accounts and session is not None and session.user.name.lower() in self._accounts:
            raise _blocked("This account is blocked.")


def _blocked(what: str) -> Problem:
    return Problem(403, "blocked", "You are not let in", what)
