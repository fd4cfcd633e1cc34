"""The mark of a text tells which load wrote it, and nothing where none is known."""

from __future__ import annotations

import pytest

from loadtests.marks import load_of, mark


def test_a_mark_tells_the_load_and_differs_for_each_key() -> None:
    assert mark("9f2c", "0123456789abcdef") == "#9f2c_0123456789"
    assert mark("9f2c", "0123") != mark("9f2c", "0124")
    assert load_of(f"Good morning! @ann {mark('9f2c', '0123456789abcdef')}") == "9f2c"
    assert load_of(mark("of_several_words", "0123456789abcdef")) == "of_several_words"


def test_without_a_record_a_mark_names_no_load() -> None:
    assert mark(None, "0123456789abcdef") == "#0123456789"
    assert load_of(f"Well. {mark(None, '0123456789abcdef')}") is None


@pytest.mark.parametrize(
    "text", ["", "Well.", "#9f2c_01 is not at its end", "9f2c_0123456789", "#9f2c_", "#x"]
)
def test_what_others_write_names_no_load(text: str) -> None:
    assert load_of(text) is None
