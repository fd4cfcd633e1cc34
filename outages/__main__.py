"""``python -m outages``: the same commands as ``failwhale outages``, ``watch``, ``report`` and ``score``."""

import sys

from foundation.console import run
from outages.cli import app

sys.exit(run(app, "python -m outages"))
