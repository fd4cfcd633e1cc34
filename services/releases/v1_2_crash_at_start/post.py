"""A setting that is not there."""

from __future__ import annotations

import os


def change() -> None:
    os.environ["POSTS_SPAM_MODEL"]
