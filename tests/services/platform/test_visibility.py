"""Who may see what an account posted, as scripts ask it."""

from __future__ import annotations

import pytest

from services.platform.store import Script
from services.platform.visibility import MAY_SEE

ASK = Script(MAY_SEE + "return may_see(ARGV[1], ARGV[2]) and 1 or 0")

AUTHOR, FOLLOWER, STRANGER, NOBODY = "11", "12", "13", ""
EVERYBODY = {AUTHOR, FOLLOWER, STRANGER, NOBODY}


@pytest.mark.parametrize(
    ("protected", "who"), [(None, EVERYBODY), ("0", EVERYBODY), ("1", {AUTHOR, FOLLOWER})]
)
async def test_what_a_protected_account_posts_is_for_itself_and_its_followers(
    store, sentinels, protected, who
):
    redis = sentinels.pair.primary.client
    redis.sadd(f"followers:{AUTHOR}", FOLLOWER)
    if protected is not None:
        redis.hset(f"account:{AUTHOR}", "protected", protected)
    sentinels.pair.wait_for_replica()
    assert {viewer for viewer in EVERYBODY if await store.read(ASK, (), (AUTHOR, viewer))} == who
