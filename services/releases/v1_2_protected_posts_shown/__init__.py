"""1.2-protected-posts-shown: whoever has the address of a protected post sees it.

Posts were to be kept in a cache that all viewers share, and for that they are read as their author sees
them. Who asks is not looked at any more. No error, no metric tells of it.
"""

from services.releases.release import Release

RELEASE = Release(
    "1.2-protected-posts-shown",
    "strangers see protected posts",
    hurts={"post": {"protected-posts": "down"}},
)
