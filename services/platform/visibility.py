"""Who may see what an account posted: whichever service shows it, the answer is the same."""

from __future__ import annotations

from services.platform.lua import fragment
from services.platform.problems import Problem

MAY_SEE = fragment("services.platform", "may_see")
"""Lua to put before a script: defines `may_see(author, viewer)`."""


def unknown_post() -> Problem:
    """The 404 problem for a post that is not there, or not for this viewer: the two look the same."""
    return Problem(404, "unknown-post", "There is no such post")
