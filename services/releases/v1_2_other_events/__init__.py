"""1.2-other-events: what is posted is told to the other services by another name.

`post.created` is called `post.written`. Who runs this release writes and understands the new name only, who
runs another one the old name only, and passes over what it does not know. So as long as the two run side by
side some things never arrive, and nothing says so. Once all of post, timeline and notify run it, all is
well.
"""

from services.releases.release import Release

RELEASE = Release(
    "1.2-other-events",
    "beside another release some posts never reach followers, some mentions nobody",
    hurts={
        "post": {"freshness": "down", "notification": "down", "live-stream": "down"},
        "timeline": {"freshness": "down"},
        "notify": {"notification": "down", "live-stream": "down"},
    },
    only_beside_another=True,
)

FORMER = "post.created"
NAME = "post.written"
