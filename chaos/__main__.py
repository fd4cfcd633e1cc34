"""``python -m chaos``: the same commands as `failwhale chaos`."""

import sys

from chaos.cli import commands
from foundation.console import run

if __name__ == "__main__":
    sys.exit(run(commands(), "python -m chaos"))
