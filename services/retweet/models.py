"""What goes out of the retweet service."""

from __future__ import annotations

from pydantic import BaseModel

from services.platform.models import Count


class Retweets(BaseModel):
    """How often a post was retweeted, and whether the viewer did."""

    count: Count
    retweeted: bool
