"""Where the link leads: `ROUTES=0.0.0.0:6379=store-west:6379,...`, what it listens on and what is behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services.platform.settings import Address, SettingsError


class LinkRoute(NamedTuple):
    """Who connects to `listen` talks to `target`."""

    listen: Address
    target: Address


def routes_of(environment: Mapping[str, str]) -> tuple[LinkRoute, ...]:
    """The routes, at least one. Raises SettingsError that says what is wrong with ROUTES."""
    items = [item.strip() for item in environment.get("ROUTES", "").split(",") if item.strip()]
    if not items:
        raise SettingsError("ROUTES is not set")
    routes = tuple(map(_route, items))
    listeners = [route.listen for route in routes]
    for address in listeners:
        if listeners.count(address) > 1:
            raise SettingsError(f"ROUTES: {address} is listened on twice")
    return routes


def _route(item: str) -> LinkRoute:
    listen, equals, target = item.partition("=")
    if not equals:
        raise SettingsError(f"ROUTES: {item!r} is not of the form host:port=host:port")
    try:
        return LinkRoute(Address.parse(listen), Address.parse(target))
    except ValueError as error:
        raise SettingsError(f"ROUTES: {error}") from None
