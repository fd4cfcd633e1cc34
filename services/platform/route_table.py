"""Which route a path belongs to, for requests that end before the application has looked."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route


class RouteTable:
    """The routes of an application by method and path."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = [
            (frozenset(route.methods or ()), route.path_regex, route.path_format)
            for route in routes
            if isinstance(route, Route)
        ]

    def template(self, method: str, path: str) -> str | None:
        """The path template of the route that would answer, or None."""
        for methods, pattern, template in self._routes:
            if method in methods and pattern.match(path):
                return template
        return None

    def allowed(self, path: str) -> list[str]:
        """The methods that this path knows, sorted; none for an unknown path."""
        known = (methods for methods, pattern, _ in self._routes if pattern.match(path))
        return sorted(frozenset().union(*known))
