"""The end of a state folder, when its site is down on whatever ran it."""

from __future__ import annotations

import shutil

from foundation.failure import USAGE, Failure
from foundation.state import State


def purge(state: State) -> list[str]:
    """Remove what failwhale made for a site that is down, but for written reports, and the folder if
    nothing is in it then. Returns the names of what is left as it is somebody else's. Raises Failure for a
    folder that is no site's."""
    try:
        inside = list(state.path.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise state.unusable(error) from None
    if inside and not state.is_ours:
        raise Failure(f"{state.path} is not the folder of a site: nothing is removed", code=USAGE)
    site_last = sorted(state.entries(), key=lambda entry: entry == state.site_file)
    for entry in site_last:  # until then another `down --purge` can finish what this one began
        if entry == state.reports and state.has_reports:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    left = sorted(entry.name for entry in state.path.iterdir())
    if not left and not state.path.is_symlink():
        state.path.rmdir()
    return [name for name in left if name != state.reports.name]
