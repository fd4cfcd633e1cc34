"""What goes in and out of the timeline service."""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from services.platform.identity import LARGEST_ID
from services.platform.models import Account, Count, Post
from services.platform.pages import unknown_cursor

Handle = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,15}$", description="A handle, in any case.")]


class Place(NamedTuple):
    """Where a page of a timeline begins: ids of entries as page.lua wants them, empty for the first page."""

    top: str = ""
    before: str = ""


_PLACE = re.compile(r"([0-9]{1,16})-([0-9]{1,16})", re.ASCII)


def place_of(cursor: str | None) -> Place:
    """Where the page of this cursor begins. Raises Problem 400."""
    if cursor is None:
        return Place()
    match = _PLACE.fullmatch(cursor)
    if match is None:
        raise unknown_cursor()
    return Place(match[1], match[2])


class TimelinePost(Post):
    """A post in a timeline, with the account whose retweet brought it there, if any."""

    retweeted_by: Account | None = Field(default=None, json_schema_extra={"type": "object"})


class Timeline(BaseModel):
    """A page of a timeline, newest first; `next` is the cursor of the next page, if there may be one."""

    items: list[TimelinePost]
    next: str | None


class People(BaseModel):
    """A page of accounts, the newest first."""

    items: list[Account]
    next: str | None


class Profile(Account):
    """An account as others see it; `state` is what the viewer is to it."""

    protected: bool
    followers: Count
    following: Count
    posts: Count
    state: Literal["self", "none", "requested", "following"]


class Followed(BaseModel):
    """What became of the wish to follow somebody."""

    state: Literal["following", "requested"]


_AccountId = Annotated[int, Field(gt=0, le=LARGEST_ID)]


class ImportedGraph(BaseModel):
    """A line of a bulk import: whom an account follows."""

    model_config = ConfigDict(extra="forbid")

    user: _AccountId
    following: list[_AccountId]


class ImportedPosts(BaseModel):
    """A line of a bulk import: what an account posted."""

    model_config = ConfigDict(extra="forbid")

    author: _AccountId
    posts: list[_AccountId]


class WarmedHomes(BaseModel):
    """How far the homes are filled."""

    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[int, Field(ge=0, lt=2**64)] | None = None
    """Where the walk through the accounts goes on; None: it begins, or is at its end."""
    homes: int = 0
    """That were looked at."""
    lacking: int = 0
    """Of these so many lacked something."""
    entries: int = 0
    """That came."""
