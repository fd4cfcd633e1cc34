"""The OpenAPI document of a service, made to tell the truth about what FastAPI does not know."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.platform import replicated
from services.platform.identity import NAME_HEADER, OPTIONAL_SCHEME, REQUIRED_SCHEME, USER_HEADER
from services.platform.problems import MEDIA_TYPE, ProblemDocument

PROBLEM_REFERENCE = "#/components/schemas/ProblemDocument"

_USER_SCHEME, _NAME_SCHEME = "user", "name"
_SIGNED_IN: dict[str, list[str]] = {_USER_SCHEME: [], _NAME_SCHEME: []}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document: every error is a problem, and who is asking comes in two headers, both or none.

    The front end, where a session token stands for these headers, replaces the security schemes when it
    merges the documents of the services.
    """
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for ours_instead in ("HTTPValidationError", "ValidationError"):
        schemas.pop(ours_instead, None)
    schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
    if components.pop("securitySchemes", None):
        components["securitySchemes"] = {
            _USER_SCHEME: {"type": "apiKey", "in": "header", "name": USER_HEADER},
            _NAME_SCHEME: {"type": "apiKey", "in": "header", "name": NAME_HEADER},
        }
    for operations in document.get("paths", {}).values():
        for method, operation in operations.items():
            _correct(operation)
            if method != "get":
                _say_whether_replicated(operation)
    return document


def _correct(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "422" in responses:
        responses["422"] = _problem("The request is not valid")
    responses["4XX"] = _problem("The request cannot be done as it is")
    responses["5XX"] = _problem("The request may be right, but cannot be done now")
    wanted = {scheme for alternative in operation.get("security", ()) for scheme in alternative}
    if REQUIRED_SCHEME in wanted:
        operation["security"] = [_SIGNED_IN]
        responses.setdefault("401", _problem("Nobody is signed in"))
    elif OPTIONAL_SCHEME in wanted:
        operation["security"] = [{}, _SIGNED_IN]


def _say_whether_replicated(operation: dict[str, Any]) -> None:
    header = {
        "description": "Whether a second store has what was written; absent where nothing was.",
        "schema": {"type": "boolean"},
    }
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            response["headers"] = {replicated.HEADER: header}


def _problem(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_REFERENCE}}},
    }
