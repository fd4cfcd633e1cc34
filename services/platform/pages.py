"""Pages of what is too long for one answer: how long they may be, and the cursor that leads to the next."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query

from services.platform.problems import Problem

LONGEST_PAGE = 100
DEFAULT_PAGE = 20

Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="The longest page that is wanted.")]
Cursor = Annotated[str | None, Query(description="`next` of the page before; absent for the first page.")]

_IDENTIFIER = re.compile(r"[0-9]{1,16}", re.ASCII)


def identifier_of(cursor: str | None) -> str:
    """The id below which the page of this cursor begins; empty for the first page. Raises Problem 400."""
    if cursor is None:
        return ""
    if _IDENTIFIER.fullmatch(cursor) is None:
        raise unknown_cursor()
    return cursor


def unknown_cursor() -> Problem:
    """The 400 problem for a cursor that no page of ours named."""
    return Problem(400, "unknown-cursor", "This cursor was not made here")
