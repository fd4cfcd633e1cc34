"""Cursors of lists: an id, or nothing."""

from __future__ import annotations

import pytest

from services.platform.pages import identifier_of
from services.platform.problems import Problem


@pytest.mark.parametrize(("cursor", "identifier"), [(None, ""), ("7", "7"), ("9" * 16, "9" * 16)])
def test_a_cursor_is_the_id_below_which_the_page_begins(cursor, identifier):
    assert identifier_of(cursor) == identifier


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1-2", " 1", "1\n", "9" * 17, "\uff11"])
def test_a_cursor_that_was_not_made_here(cursor):
    with pytest.raises(Problem, match="400 unknown-cursor"):
        identifier_of(cursor)
