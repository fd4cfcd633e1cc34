"""What several services mean alike when they speak to clients: ids, counts, accounts and posts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

ID_PATTERN = r"^[1-9][0-9]{0,15}$"

Id = Annotated[str, Field(pattern=ID_PATTERN, examples=["115292150460684"])]
"""Ids are whole numbers as text, because not every reader of JSON keeps 53 bits."""

PostId = Annotated[str, Path(pattern=ID_PATTERN, description="The id of a post.")]

Count = Annotated[int, Field(ge=0)]


class Account(BaseModel):
    """An account by id and handle."""

    id: Id
    name: str


class Post(BaseModel):
    """A post as it is served. `mentions` are the handles of existing accounts that the text mentions."""

    id: Id
    author: Account
    text: str
    created: datetime
    mentions: list[str]
    likes: Count
    retweets: Count
