"""What goes in and out of the post service."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.platform.identity import LARGEST_ID
from services.platform.models import Count, Post

LONGEST_TEXT = 280

_NO_CONTROLS = r"[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]"
_TEXT_PATTERN = rf"^{_NO_CONTROLS}*[^\s\u0000-\u001f\u007f-\u009f]{_NO_CONTROLS}*$"
"""At least one character that is seen; no control characters except newlines."""

_MENTION = re.compile(r"(?<![\w@])@([A-Za-z0-9_]{1,15})(?!\w)")


def _normal(text: str) -> str:
    """NFC, so that what looks the same is the same; this can make a text longer, so it is measured again."""
    normal = unicodedata.normalize("NFC", text)
    if len(normal) > LONGEST_TEXT:
        raise ValueError(f"the text has {len(normal)} characters in Unicode's normal form NFC")
    return normal


def mentioned_handles(text: str) -> list[str]:
    """The handles that a text mentions, existing or not: in lower case, each once, in their order."""
    return list(dict.fromkeys(handle.lower() for handle in _MENTION.findall(text)))


class NewPost(BaseModel):
    """A post to be created: 1 to 280 characters (Unicode code points)."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_TEXT, pattern=_TEXT_PATTERN, examples=["Hello @ann"]),
        AfterValidator(_normal),
    ]


class CreatedPost(Post):
    """A post that was just created; `replicated` says whether a second store has it already."""

    replicated: bool


class Likes(BaseModel):
    """How often a post is liked, and whether the viewer likes it."""

    count: Count
    liked: bool


class ImportedPost(BaseModel):
    """A line of a bulk import."""

    id: int = Field(gt=0, le=LARGEST_ID)
    author: ImportedAuthor
    text: str = Field(max_length=LONGEST_TEXT)
    created: str = Field(max_length=40)
    mentions: list[str] = []
    likes: Count = 0
    retweets: Count = 0


class ImportedAuthor(BaseModel):
    id: int = Field(gt=0, le=LARGEST_ID)
    name: str
