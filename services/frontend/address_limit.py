"""How much strangers at one address may ask for, so that those who ask without end leave room for others."""

from __future__ import annotations

from starlette.types import Scope

from services.frontend.options import Options
from services.platform.configuration.document import Document
from services.platform.intake import REQUESTS_BEFORE
from services.platform.rate_limit import Limit, limit_of


def address_of(scope: Scope) -> str:
    """From which address a request comes; empty where nobody says."""
    client = scope.get("client")
    return client[0] if client else ""


class AddressLimit:
    """The first requests of connections have room of their own, beside that for all further ones: a thousand
    connections at an address, each busy without end, do not use up what somebody needs who comes now."""

    def __init__(self, options: Options, first: int) -> None:
        """`first` is how many requests of a connection are its first ones."""
        self._options = options
        self._first = first
        self._of_new: Limit = limit_of(options.address_rate, options.address_burst)
        self._of_others: Limit = limit_of(options.repeat_rate, options.repeat_burst)

    def apply(self, document: Document) -> None:
        """Go by this configuration. Raises TypeError for what is no limit."""
        values, options = document.values, self._options
        of_new = limit_of(
            values.get("limits.address-rate", options.address_rate),
            values.get("limits.address-burst", options.address_burst),
            self._of_new,
        )
        self._of_others = limit_of(
            values.get("limits.repeat-rate", options.repeat_rate),
            values.get("limits.repeat-burst", options.repeat_burst),
            self._of_others,
        )
        self._of_new = of_new

    def wait(self, scope: Scope) -> float:
        """Takes a request: 0.0 when there was room, else the seconds until there will be some."""
        limit = self._of_new if scope.get(REQUESTS_BEFORE, 0) < self._first else self._of_others
        return limit.take(address_of(scope))
