"""What goes wrong inside the framework, as problem documents."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.platform.problems import Problem

_SLUGS = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
}

_MOST_MISTAKES = 5
"""How many mistakes in one request are told."""

_LONGEST_PLACE = 100

_IN_WORDS_OF_JSON = {
    "dict_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "model_type": "Input should be an object",
}
"""By the kind of a mistake, what is told instead of a word that only Python has for it."""


def answer_with_problems(app: FastAPI, allowed: Callable[[str], list[str]]) -> None:
    """Answer all that handlers and the framework raise with problem documents.

    `allowed(path)` gives the methods that a path knows; FastAPI tells those of one route of several.
    """

    async def of_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == 405 and (methods := allowed(request.url.path)):
            headers["Allow"] = ", ".join(methods)
        title = HTTPStatus(error.status_code).phrase
        slug = _SLUGS.get(error.status_code) or title.lower().replace(" ", "-")
        detail = error.detail if error.detail != title else ""
        return Problem(error.status_code, slug, title, detail, headers).response()

    async def of_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _invalid(request, error).response()

    async def of_lone_surrogate(_: Request, error: Exception) -> Response:
        # JSON may say \ud800, which is half a character: Python reads it, and fails where it is written.
        return Problem(
            422, "invalid-text", "The text has half a character in it", "A lone surrogate."
        ).response()

    app.add_exception_handler(UnicodeEncodeError, of_lone_surrogate)
    app.add_exception_handler(Problem, of_problem)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_validation)


def _invalid(request: Request, error: RequestValidationError) -> Problem:
    mistakes: list[dict[str, Any]] = list(error.errors())
    if any(mistake["type"] == "json_invalid" for mistake in mistakes):
        return Problem(400, "malformed-json", "The body is not valid JSON")
    unread = any(tuple(mistake["loc"]) == ("body",) and mistake["type"] != "missing" for mistake in mistakes)
    if unread and not _says_json(request):
        return Problem(415, "not-json", "The body must be JSON", "Send Content-Type: application/json.")
    told = "; ".join(f"{_place(mistake['loc'])}: {_words(mistake)}" for mistake in mistakes[:_MOST_MISTAKES])
    return Problem(422, "invalid-request", "The request is not valid", told)


def _says_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _words(mistake: dict[str, Any]) -> str:
    return _IN_WORDS_OF_JSON.get(mistake["type"]) or str(mistake["msg"])


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location))[:_LONGEST_PLACE]
