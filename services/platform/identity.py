"""Who is asking. The front end verifies the session and says so in two headers; services trust their TLS
peer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase

from services.platform.problems import Problem

USER_HEADER = "failwhale-user"
NAME_HEADER = "failwhale-name"

LARGEST_ID = 2**53 - 1
"""Ids are whole numbers that JavaScript can hold."""

_LONGEST_NAME = 64

REQUIRED_SCHEME = "session"
OPTIONAL_SCHEME = "session-optional"
"""In the OpenAPI document this becomes `session` or nothing (see services.platform.documents)."""


@dataclass(frozen=True, slots=True)
class User:
    """An account that is signed in: its id and its handle."""

    id: int
    name: str


def user_of(identifier: str | None, name: str | None) -> User | None:
    """The user that the two headers name; None when they are absent or say nothing sensible."""
    if identifier is None or name is None:
        return None
    if not (identifier.isascii() and identifier.isdigit() and len(identifier) <= 16):
        return None
    if not (name.isascii() and name.isprintable() and 0 < len(name) <= _LONGEST_NAME):
        return None
    number = int(identifier)
    return User(number, name) if 0 < number <= LARGEST_ID else None


class _SignedIn(SecurityBase):
    """Reads the user from the headers; a subclass of SecurityBase so that the OpenAPI document tells of
    it."""

    def __init__(self, scheme_name: str) -> None:
        self.model = APIKey.model_validate({"in": APIKeyIn.header, "name": USER_HEADER})
        self.scheme_name = scheme_name

    async def __call__(self, request: Request) -> User | None:
        headers = request.headers
        return user_of(headers.get(USER_HEADER), headers.get(NAME_HEADER))


class _MustBeSignedIn(_SignedIn):
    async def __call__(self, request: Request) -> User:
        user = await super().__call__(request)
        if user is None:
            raise not_signed_in()
        return user


def not_signed_in(detail: str = "") -> Problem:
    """The 401 problem for whoever needs a session and has none that is good."""
    return Problem(
        401,
        "not-signed-in",
        "Sign in first",
        detail,
        headers={"WWW-Authenticate": 'Bearer realm="failwhale"'},
    )


Viewer = Annotated[User, Security(_MustBeSignedIn(REQUIRED_SCHEME))]
"""The signed-in user; 401 `not-signed-in` when there is none."""

OptionalViewer = Annotated[User | None, Security(_SignedIn(OPTIONAL_SCHEME))]
"""The signed-in user, or None."""
