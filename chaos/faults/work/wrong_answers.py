"""What faults of answers share: the service answers well by every measure but by what it says."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

from chaos.fault import Injection, Parameter, Value
from chaos.faults.calls.injection_point import InjectionPoint, account_among
from foundation.failure import Failure
from services.platform.injection.applied import is_among
from testbed.control import Answer, Silent
from testbed.inventory import Part
from testbed.site import Site


class WrongAnswers(InjectionPoint):
    """One that makes a share of the answers wrong, or those to a share of the users.

    Each kind says in `ask` by which request of our own that is seen.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = InjectionPoint.parameters[:2]

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        """There is no route to be wrong."""

    def meet(self, site: Site, injection: Injection, patience: float, caller: str | None) -> Answer | None:
        try:
            return self.ask(Asking(site, injection, patience, caller))
        except Silent:
            return None

    @abstractmethod
    def ask(self, asking: Asking) -> Answer:
        """The answer to a request of our own that would be a good one. Raises Failure where the site has
        nothing yet to ask for."""


class Asking:
    """Requests of our own, each in the name of somebody."""

    def __init__(self, site: Site, injection: Injection, patience: float, caller: str | None) -> None:
        self.site = site
        self.part = injection.part
        users = injection.parameters["users"]
        self._share = None if users is None else float(str(users))
        self._entrance = site.entrance(injection.part, patience, caller)

    @property
    def stranger(self) -> int:
        """An account that there is not."""
        return account_among(1.0 if self._share is None else self._share)

    def somebody_with(self, what: Literal["posts", "notifications"]) -> int:
        """An account that has something. Raises Failure."""
        for account in self.site.accounts_with(what):
            if self._share is None or is_among(str(account), self._share):
                return account
        raise Failure(f"nobody is known who has {what}")

    def get(self, path: str, account: int) -> Answer:
        """What this account gets. Raises Unreachable."""
        return self._entrance.ask("GET", path, headers=self.site.signed_in(self.part, account))
