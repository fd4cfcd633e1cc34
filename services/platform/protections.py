"""The switches of the protections, so that the site can be shown without one of them, live."""

from __future__ import annotations

from collections.abc import Callable

PROTECTIONS = ("deadlines", "retries", "ejection", "shedding")
"""`deadlines`: late work is refused; `retries`: a failed call is repeated elsewhere, within a budget;
`ejection`: a failing replica is ejected; `shedding`: work over the bound is refused at once."""


class Protections:
    """Which protections are on in this process. All are, until somebody switches one off."""

    def __init__(self, on_change: Callable[[str, bool], None] | None = None) -> None:
        """`on_change(name, on)` is called for each protection now and at every switch (metrics follow it)."""
        self._on = dict.fromkeys(PROTECTIONS, True)
        self._configured = dict(self._on)
        self._on_change = on_change
        for name in PROTECTIONS:
            self.switch(name, True)

    def enabled(self, name: str) -> bool:
        """Whether this protection is on. Raises KeyError for a name that is not in PROTECTIONS."""
        return self._on[name]

    def switch(self, name: str, on: bool) -> None:
        """Turn a protection on or off. Raises KeyError for a name that is not in PROTECTIONS."""
        if name not in self._on:
            raise KeyError(name)
        self._on[name] = on
        if self._on_change is not None:
            self._on_change(name, on)

    def configure(self, name: str, on: bool) -> None:
        """Switch it where the configuration has changed; what was switched here since stays otherwise."""
        if on != self._configured[name]:
            self._configured[name] = on
            self.switch(name, on)

    def states(self) -> dict[str, bool]:
        """Every protection and whether it is on."""
        return dict(self._on)
