"""A way past the framework for the request that is made most: the home timeline, asked for in the usual form.

FastAPI's routing and validation cost more than all the rest of such a request. What is unusual about one (no
session, a limit out of bounds, a cursor from elsewhere) is left to the framework, which says what is wrong.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from services.platform.identity import NAME_HEADER, USER_HEADER, user_of
from services.platform.pages import DEFAULT_PAGE
from services.timeline.models import Place
from services.timeline.store import Timelines

PATH = "/api/v1/timelines/home"

_USUAL = re.compile(rb"(?:limit=(100|[1-9][0-9]?)(?:&cursor=([0-9]{1,16})-([0-9]{1,16}))?)?")
_USER = USER_HEADER.encode("ascii")
_NAME = NAME_HEADER.encode("ascii")


class Asked(NamedTuple):
    """A usual request for a home timeline."""

    viewer: int
    limit: int
    place: Place


class HomePath:
    """Answers usual requests for the home timeline, with the bytes that the store gives."""

    def __init__(self, app: ASGIApp, timelines: Timelines, service: FastAPI) -> None:
        self._app = app
        self._timelines = timelines
        # What such requests are measured under: the framework's own route.
        (self._route,) = (
            route for route in service.routes if isinstance(route, APIRoute) and route.path == PATH
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = usual(scope)
        if asked is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        page = await self._timelines.home(*asked)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(page))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})


def usual(scope: Scope) -> Asked | None:
    """What is asked for; None when it is not a home timeline, or not asked for in the usual form."""
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "GET":
        return None
    query = _USUAL.fullmatch(scope["query_string"])
    if query is None:
        return None
    identifier = name = None
    for header, value in scope["headers"]:
        if header == _USER:
            identifier = value.decode("latin-1")
        elif header == _NAME:
            name = value.decode("latin-1")
    user = user_of(identifier, name)
    if user is None:
        return None
    limit, top, before = query.groups()
    place = Place(top.decode("ascii"), before.decode("ascii")) if top else Place()
    return Asked(user.id, int(limit) if limit else DEFAULT_PAGE, place)
