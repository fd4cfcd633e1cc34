"""1.2-crash-at-start: the post service does not come up.

It reads a setting that nobody has set. It is started again and again, and ends each time: nobody is hurt
while another replica runs the release before.
"""

from services.releases.release import Release

RELEASE = Release(
    "1.2-crash-at-start",
    "the post service ends as soon as it starts",
    hurts={"post": {"post": "down", "read-back": "down", "protected-posts": "down"}},
)
