"""1.1: profiles say since when an account is there.

Nobody needs to look anything up for it: an account's id carries the time of its sign-up. The page shows it
where it is told, so that front ends of 1.0 and timelines of 1.1 get along, and the other way round.
"""

from services.releases.release import Release

RELEASE = Release("1.1", "profiles say since when an account is there", is_good=True)
