"""Bulk imports: a control endpoint takes NDJSON, all lines or none."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from services.platform.problems import Problem

_Line = TypeVar("_Line")


class Imported(BaseModel):
    """How many lines a bulk import had."""

    imported: int


def lines_of(body: bytes, kind: TypeAdapter[_Line], refusal: str) -> list[_Line]:
    """The lines of an import. Raises Problem 422 with this title when one of them is not of this kind."""
    try:
        return [kind.validate_json(line) for line in body.splitlines() if line]
    except ValidationError as error:
        raise Problem(422, "invalid-request", refusal, str(error)) from error
