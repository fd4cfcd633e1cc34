"""1.2-empty-timelines: the home timeline is there, and nothing is in it.

A fallback for when the store has nothing is taken always. The answer is a good one by every measure but what
it says: status 200, quick, and empty, as for somebody who has just signed up.
"""

from services.releases.release import Release

RELEASE = Release(
    "1.2-empty-timelines",
    "home timelines are empty: status 200, and nothing in it",
    hurts={"timeline": {"home-timeline": "down", "freshness": "down"}},
)
