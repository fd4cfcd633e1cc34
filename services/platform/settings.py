"""What a service is told by its environment, read once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, cast

from services.platform.release import UNRELEASED, ReleaseError, told

Replication = Literal["reported", "required", "off"]
"""What a write needs before it is acknowledged: `reported` (the answer says whether a replica has it),
`required` (refused when no replica has it), `off` (nobody asks)."""

_REPLICATION_MODES = ("reported", "required", "off")


class SettingsError(Exception):
    """A setting is missing or malformed; the message names the environment variable."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port` (an IPv6 host stands in brackets). Raises ValueError."""
        host, colon, port = text.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError(f"{text!r} is not of the form host:port")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Replica:
    """One running copy of a called service: where it is, and in which data centre."""

    place: str
    address: Address


@dataclass(frozen=True)
class Settings:
    """All that a service is told from outside.

    `extra` is the whole environment, for settings that belong to one service
    (`TIMELINE_CELEBRITY_FOLLOWERS`); read them with `text`, `integer` and `number`, which name the variable
    when it is malformed.
    """

    service: str
    listen: Address
    pki: Path
    secrets: Path
    place: str | None = None
    release: str = UNRELEASED
    """What runs here: what the part was told (see services.platform.release), or RELEASE."""
    public_listen: Address | None = None
    sentinels: tuple[Address, ...] = ()
    store_name: str = "failwhale"
    store_routes: Mapping[Address, Address] = field(default_factory=dict)
    """What a sentinel names (left) is reached at another address from here (right)."""
    replication: Replication = "reported"
    calls: Mapping[str, tuple[Replica, ...]] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings of this process. Raises SettingsError naming the variable at fault.

        SERVICE, LISTEN, PKI and SECRETS must be there; what is not used by every service may be absent.
        """
        return cls(
            service=_required(environment, "SERVICE"),
            listen=_address("LISTEN", _required(environment, "LISTEN")),
            pki=Path(_required(environment, "PKI")),
            secrets=Path(_required(environment, "SECRETS")),
            place=environment.get("PLACE") or None,
            release=_release(environment),
            public_listen=_optional_address(environment, "PUBLIC_LISTEN"),
            sentinels=_addresses(environment, "SENTINELS"),
            store_name=environment.get("STORE_NAME") or "failwhale",
            store_routes=_routes(environment, "STORE_ROUTES"),
            replication=_replication(environment),
            calls=_calls(environment),
            extra=dict(environment),
        )

    @property
    def name(self) -> str:
        """The name of this part: `post@east`, or the service alone where it has no place."""
        return part_name(self.service, self.place)

    @property
    def certificate_name(self) -> str:
        """The stem of this part's certificate and key files below `pki`: `post-east`."""
        return certificate_name(self.name)

    def text(self, variable: str, default: str) -> str:
        """A setting of one service as text; an empty value counts as absent."""
        return self.extra.get(variable) or default

    def folder(self, variable: str) -> Path:
        """A folder that one service needs. Raises SettingsError when it is not named."""
        return Path(_required(self.extra, variable))

    def integer(self, variable: str, default: int, *, at_least: int = 0) -> int:
        """A setting of one service as a whole number. Raises SettingsError."""
        raw = self.extra.get(variable)
        if not raw:
            return default
        try:
            value = int(raw)
        except ValueError:
            raise SettingsError(f"{variable} must be a whole number, not {raw!r}") from None
        if value < at_least:
            raise SettingsError(f"{variable} must be at least {at_least}, not {value}")
        return value

    def number(self, variable: str, default: float, *, at_least: float = 0.0) -> float:
        """A setting of one service as a number (durations are seconds, shares 0 to 1). Raises
        SettingsError."""
        raw = self.extra.get(variable)
        if not raw:
            return default
        try:
            value = float(raw)
        except ValueError:
            raise SettingsError(f"{variable} must be a number, not {raw!r}") from None
        if not at_least <= value < float("inf"):
            raise SettingsError(f"{variable} must be a finite number of at least {at_least:g}, not {raw}")
        return value


def part_name(service: str, place: str | None) -> str:
    """What people call a part: `post@east`, or the service alone where it has no place."""
    return f"{service}@{place}" if place else service


def certificate_name(part: str) -> str:
    """What certificates call a part, in their files and as their subject: `post-east` for `post@east`."""
    return part.replace("@", "-")


def _required(environment: Mapping[str, str], variable: str) -> str:
    value = environment.get(variable)
    if not value:
        raise SettingsError(f"{variable} is not set")
    return value


def _address(variable: str, text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from None


def _optional_address(environment: Mapping[str, str], variable: str) -> Address | None:
    text = environment.get(variable)
    return _address(variable, text) if text else None


def _addresses(environment: Mapping[str, str], variable: str) -> tuple[Address, ...]:
    return tuple(_address(variable, text) for text in _items(environment.get(variable, "")))


def _routes(environment: Mapping[str, str], variable: str) -> dict[Address, Address]:
    """STORE_ROUTES=store-west:6379=link-east:6379 says by which way an address is reached."""
    routes = {}
    for item in _items(environment.get(variable, "")):
        named, equals, reached = item.partition("=")
        if not equals:
            raise SettingsError(f"{variable}: {item!r} is not of the form host:port=host:port")
        routes[_address(variable, named)] = _address(variable, reached)
    return routes


def _release(environment: Mapping[str, str]) -> str:
    folder, named = environment.get("RELEASES"), environment.get("RELEASE") or UNRELEASED
    if not folder:
        return named
    part = part_name(environment["SERVICE"], environment.get("PLACE"))
    try:
        return (told(Path(folder), part) or (named,))[-1]
    except ReleaseError as error:
        raise SettingsError(f"RELEASES: {error}") from None


def _replication(environment: Mapping[str, str]) -> Replication:
    value = environment.get("REPLICATION") or "reported"
    if value not in _REPLICATION_MODES:
        raise SettingsError(f"REPLICATION must be one of {', '.join(_REPLICATION_MODES)}, not {value!r}")
    return cast(Replication, value)


def _calls(environment: Mapping[str, str]) -> dict[str, tuple[Replica, ...]]:
    """CALLS_AUTH=east=auth-east:8000,west=auth-west:8000 says where the replicas of `auth` are."""
    return {
        variable.removeprefix("CALLS_").lower(): tuple(_replica(variable, item) for item in _items(value))
        for variable, value in environment.items()
        if variable.startswith("CALLS_")
    }


def _replica(variable: str, item: str) -> Replica:
    place, equals, address = item.partition("=")
    if not (place and equals):
        raise SettingsError(f"{variable}: {item!r} is not of the form place=host:port")
    return Replica(place.strip(), _address(variable, address))


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
