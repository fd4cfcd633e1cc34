"""1.0: the site as it is. Nothing differs from the code base."""

from services.releases.release import Release

RELEASE = Release("1.0", "the site as it is", is_good=True)
