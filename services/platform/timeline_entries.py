"""What is written to timelines (`posts:` and `home:`) by other services than timeline.

The timeline service brings a post or retweet into the homes of others: late, by the event log. Its maker's
own two timelines have it from the transaction that makes it: so it shows at once, and the fan-out, which
believes the maker's own timeline and nothing else, finds it there. A transaction is one script of one
service, so post and retweet write these entries themselves, both by the functions here.
"""

from __future__ import annotations

from services.platform.keys import TIMELINE_KEPT
from services.platform.lua import fragment

KEPT = f"local TIMELINE_KEPT = {TIMELINE_KEPT}\n"
"""Lua to put before a script that adds to timelines: whoever does so trims them to the same length."""

OWN_TIMELINES = KEPT + fragment("services.platform", "own_timelines")
"""Lua to put before a script: defines `enter_own_timelines(account, member, entry)` and
`leave_own_timelines(account, member)`."""
