"""What users do, one file per journey. ALL is the list, in the order in which people read them."""

from __future__ import annotations

from outages.journeys import (
    freshness,
    handshake,
    home_timeline,
    live_stream,
    login,
    login_second_factor,
    notification,
    page,
    post,
    protected_posts,
    read_back,
    retweet,
)
from outages.journeys.journey import Journey

ALL: tuple[Journey, ...] = (
    handshake.EAST,
    handshake.WEST,
    page.JOURNEY,
    login.JOURNEY,
    login_second_factor.JOURNEY,
    post.JOURNEY,
    read_back.JOURNEY,
    retweet.JOURNEY,
    home_timeline.JOURNEY,
    freshness.JOURNEY,
    notification.JOURNEY,
    live_stream.JOURNEY,
    protected_posts.JOURNEY,
)
