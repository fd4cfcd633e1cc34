"""What goes in and out of the notify service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from services.platform.models import ID_PATTERN, Account, Count, Id

Kind = Literal["mention", "retweet", "like", "follow", "follow-request"]

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=ID_PATTERN,
        description="The id of the last notification that the client has; what came since is sent first.",
    ),
]


class Notification(BaseModel):
    """Something that others did and that concerns the viewer."""

    id: Id
    kind: Kind
    actor: Account
    created: datetime
    post: Id | None = Field(default=None, description="The post that it is about; absent for follows.")


class Notifications(BaseModel):
    """A page of notifications, newest first; `next` is the cursor of the next page."""

    items: list[Notification]
    next: str | None


class Unread(BaseModel):
    """How many notifications are not read."""

    count: Count


class ReadUpTo(BaseModel):
    """The newest notification that was read."""

    model_config = ConfigDict(extra="forbid")

    up_to: Id
