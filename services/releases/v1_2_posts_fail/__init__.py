"""1.2-posts-fail: every second text cannot be posted.

Somebody wanted to refuse the same text twice in a row, and compares a checksum with nothing: half of all
texts raise. It is the text that decides, so to try again does not help, unless a replica of another release
is asked.
"""

from services.releases.release import Release

RELEASE = Release(
    "1.2-posts-fail", "every second text cannot be posted: an error", hurts={"post": {"post": "down"}}
)
