"""The control endpoints of injection points, for parts that are built without a framework: link and prober.

A service has the same, in services.platform.control.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from pydantic import ValidationError

from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec

FAULTS = "/-/faults"


class FaultEndpoints:
    """Sets, tells and ends the injection points of one part."""

    def __init__(self, faults: InjectionPoints, token: Path, refusal: Callable[[FaultSpec], str]) -> None:
        """`token` is the file of the site's control token; `refusal` says why the part cannot have a fault,
        and is empty when it can."""
        self._faults = faults
        self._token = token
        self._refusal = refusal

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> tuple[HTTPStatus, object]:
        """Status and content of the answer to one request."""
        if not self._is_allowed(authorization):
            return HTTPStatus.UNAUTHORIZED, _problem("This needs the site's control token")
        if (method, path) == ("GET", FAULTS):
            return HTTPStatus.OK, [self._faults.told(applied) for applied in self._faults.active()]
        folder, _, identifier = path.rpartition("/")
        if folder == FAULTS and identifier and method == "PUT":
            return self._put(identifier, body)
        if folder == FAULTS and identifier and method == "DELETE":
            removed = self._faults.remove(identifier) is not None
            return HTTPStatus.OK, {"id": identifier, "removed": removed}
        return HTTPStatus.NOT_FOUND, _problem("There is no such endpoint")

    def _is_allowed(self, authorization: str) -> bool:
        expected = self._token.read_text().strip()
        return secrets.compare_digest(authorization.encode(), f"Bearer {expected}".encode())

    def _put(self, identifier: str, body: bytes) -> tuple[HTTPStatus, object]:
        try:
            fault = FaultSpec.model_validate_json(body)
        except ValidationError as error:
            return HTTPStatus.UNPROCESSABLE_ENTITY, _problem(f"No injection point: {error}")
        if refusal := self._refusal(fault):
            return HTTPStatus.UNPROCESSABLE_ENTITY, _problem(refusal)
        if not self._faults.has_room_for(identifier):
            return HTTPStatus.CONFLICT, _problem("Too many faults are set")
        return HTTPStatus.OK, self._faults.told(self._faults.put(identifier, fault))


def _problem(title: str) -> dict[str, str]:
    return {"title": title}
