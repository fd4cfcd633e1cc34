"""Profiles with a date."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from services.platform.identity import User
from services.platform.ids import created_at
from services.releases.release import wrap
from services.timeline.store import Timelines

Profile = Callable[[Timelines, str, User | None], Awaitable[bytes]]


def change() -> None:
    wrap(Timelines, "profile", dated)


def dated(profile: Profile) -> Profile:
    async def profile_with_date(self: Timelines, handle: str, viewer: User | None) -> bytes:
        told = await profile(self, handle, viewer)
        joined = created_at(int(json.loads(told)["id"]))
        return told[:-1] + b',"joined":"%s"}' % joined.encode()

    return profile_with_date
