"""1.2-users-mixed-up: now and then somebody gets the home timeline of somebody else.

Answers of the store are handed out in the order in which they were asked for, over a connection that all
share. When one is given up half-way, its answer is still there, and goes to whoever asks next.
"""

from services.releases.release import Release

RELEASE = Release(
    "1.2-users-mixed-up",
    "people get the home timeline of somebody else, now and then",
    hurts={"timeline": {"home-timeline": "down"}},
)
