"""Which route a path belongs to, for requests that end before the application has looked."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route, compile_path


class RouteTable:
    """The routes of an application by method and path."""

    def __init__(self, routes: Iterable[BaseRoute], more: Iterable[tuple[str, str]] = ()) -> None:
        """`more` are methods and path templates that are answered without a route of the framework."""
        self._routes = [
            *(
                (frozenset(route.methods or ()), route.path_regex, route.path_format)
                for route in routes
                if isinstance(route, Route)
            ),
            *((frozenset({method}), *compile_path(template)[:2]) for method, template in more),
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
