"""``python -m chaos``: the same commands as `failwhale chaos`."""

import sys

from chaos.cli import app
from foundation.console import run

if __name__ == "__main__":
    sys.exit(run(app, "python -m chaos"))
