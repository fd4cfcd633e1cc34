"""1.2-memory-leak: what is kept of each home timeline is never thrown away.

A cache of pages without a bound, by the moment at which a page was made: so nothing is ever found in it
either. The part grows with every page until it is killed for its memory, is started again, and grows. Docker
does that at the container's limit. A plain process has none, so there the release ends itself as the kernel
would, before it takes the machine along.
"""

from services.releases.release import Release

RELEASE = Release("1.2-memory-leak", "the timeline service grows with every page, until it dies of it")
