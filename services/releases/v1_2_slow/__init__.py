"""1.2-slow: a home timeline takes more than a second.

Each page is to be sorted by what a new service recommends. That service is not there yet, so every page
waits for the time that it is given, and is served as it always was.
"""

from services.releases.release import Release

RELEASE = Release(
    "1.2-slow",
    "a home timeline takes more than a second",
    hurts={"timeline": {"home-timeline": "slow", "protected-posts": "slow"}},
)
