"""passwords-guessed: somebody tries passwords from a stolen list, at one edge, from one address."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.load import Load
from chaos.target import Target
from testbed.site import Site
from testbed.strangers import Stranger, failed_logins

_SEEN = 3
"""Failed logins that the edge has counted of the address, until it is clear that it is tried."""


class PasswordsGuessed(Load):
    name = "passwords-guessed"
    help = (
        "Try one password after the other, each for another handle, at an edge: as with a list that was "
        "stolen elsewhere. It comes from one address, on plain processes one of its own. Nobody feels it; "
        "the edge counts from where logins fail. Who is blocked gives up, and it ends with its controller."
    )
    example = "failwhale chaos passwords-guessed frontend@east --rate 10 --for 1m"
    targets = ("frontend",)
    parameters = (
        Parameter(*("rate", "integer", "Passwords a second."), default=10, low=1, high=50, dial=(2, 50)),
    )
    demonstration = Demonstration("frontend@east")
    precedent = "23andMe, 2023: passwords of other sites were tried for five months, and nobody noticed."

    def __init__(self) -> None:
        super().__init__()
        self._strangers: dict[str, Stranger] = {}
        """By lease, who tries."""

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody whom a journey stands for: the guesses cost little."""
        return ()

    def sustain(self, site: Site, injection: Injection) -> None:
        if injection.lease not in self._strangers:
            self._strangers[injection.lease] = Stranger(site, injection.part)
        if not self._strangers[injection.lease].is_blocked:
            super().sustain(site, injection)

    def bout(self, site: Site, injection: Injection) -> float:
        stranger, began = self._strangers[injection.lease], time.monotonic()
        stranger.log_in(f"of_a_list_{secrets.token_hex(4)}", secrets.token_urlsafe(9))
        if stranger.is_blocked:
            return injection.seconds
        return max(0.0, began + 1 / int(str(injection.parameters["rate"])) - time.monotonic())

    def verify(self, site: Site, injection: Injection) -> Proof:
        name, stranger = injection.part.name, self._strangers.get(injection.lease)
        if stranger is None or stranger.is_blocked:
            return Proof(False, f"{name} lets them in no more")
        seen = max(failed_logins(site, injection.part).values(), default=0)
        return Proof(seen >= _SEEN or None, f"{name} has counted {seen} failed logins from one address")

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        stranger = self._strangers.get(injection.lease)
        if stranger is not None and stranger.is_blocked:
            return Proof(True, f"{injection.part.name} lets them in no more, and they have given up")
        return super().verify_reverted(site, injection)

    def revert(self, site: Site, injection: Injection) -> None:
        super().revert(site, injection)
        self._strangers.pop(injection.lease, None)


register(PasswordsGuessed())
