"""Errors as RFC 9457 problem documents with a stable `type`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response
from starlette.types import Message

TYPE_BASE = "https://failwhale.invalid/problems/"
MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """What every error answer of the site looks like (RFC 9457)."""

    type: str = Field(examples=[f"{TYPE_BASE}handle-taken"])
    title: str
    status: int
    detail: str = ""


class Problem(Exception):
    """An answer other than success, raised anywhere below a handler.

    `slug` is the stable end of the document's `type`, for programs; `title` says the same to people and is
    the same each time; `detail` is about this occurrence. `headers` go out with the answer.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {slug}: {detail or title}")
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})

    def document(self) -> dict[str, str | int]:
        """The problem as the fields of its document."""
        return {
            "type": TYPE_BASE + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }

    def body(self) -> bytes:
        """The document as it is sent. Escaped to ASCII, so that no input repeated in it can fail to
        encode."""
        return json.dumps(self.document()).encode("ascii")

    def messages(self) -> tuple[Message, Message]:
        """The answer as ASGI messages, for places without a framework."""
        body = self.body()
        headers = [
            (b"content-type", MEDIA_TYPE.encode("ascii")),
            (b"content-length", b"%d" % len(body)),
            *(
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in self.headers.items()
            ),
        ]
        return (
            {"type": "http.response.start", "status": self.status, "headers": headers},
            {"type": "http.response.body", "body": body},
        )

    def response(self) -> Response:
        """The problem as an answer that is also an ASGI application."""
        return Response(self.body(), self.status, headers=self.headers, media_type=MEDIA_TYPE)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that answers these statuses with a problem document.

    Every route's document allows problems of 4xx and 5xx as it is; this names those that a client should
    expect.
    """
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status in statuses
    }
