"""What runs once before the toys: leaves a file."""

from __future__ import annotations

import os
from pathlib import Path


def main() -> None:
    folder = Path(os.environ["SECRETS"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text("toy")


if __name__ == "__main__":
    main()
