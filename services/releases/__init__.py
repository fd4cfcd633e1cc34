"""The releases of the site: what differs from the one code base in each of them, a folder each.

A folder is named after its version (`1.2-slow` in `v1_2_slow`). Its `__init__.py` has the text that says
what is different and why, and `RELEASE`, which says whom it hurts. Beside it stands a module for each
service whose code differs: see services.platform.release. `v1_0` is the site as it is.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from services.releases.release import Release


@cache
def all_releases() -> dict[str, Release]:
    """Every release that is shipped, by version."""
    folders = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    found = [importlib.import_module(f"{__name__}.{folder}").RELEASE for folder in folders]
    return {release.version: release for release in found}
