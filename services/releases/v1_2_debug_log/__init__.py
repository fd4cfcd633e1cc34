"""1.2-debug-log: every service writes every request into its log, its body included.

A line that was meant for one afternoon. Logs grow with the load, fill the disk, and hold passwords in plain
text.
"""

from services.releases.release import Release

RELEASE = Release("1.2-debug-log", "the body of every request stands in the logs, passwords too")
