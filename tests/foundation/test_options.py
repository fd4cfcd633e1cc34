"""What is wrong with an option is said in words for people."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
import typer

from foundation.options import number, one_of, whole_number


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("parse", "value", "meant"),
    [
        (whole_number(2, 10), "10", 10),
        (whole_number(2, 10), 2, 2),
        (whole_number(), "-5", -5),
        (number(0, 2.5), "2.5", 2.5),
        (number(0, 2.5), 0.0, 0.0),
        (one_of(Colour), "red", Colour.RED),
        (one_of(Colour), Colour.BLUE, Colour.BLUE),
    ],
)
def test_a_good_value_is_taken(parse: Callable[[Any], Any], value: object, meant: object) -> None:
    assert parse(value) == meant


@pytest.mark.parametrize(
    ("parse", "value", "said"),
    [
        (whole_number(2, 1_000_000), "1", "1 is not within 2 and 1,000,000"),
        (whole_number(2, 10), "2.5", "'2.5' is not a whole number"),
        (number(0, 5000), "1e9", "1e+09 is not within 0 and 5,000"),
        (number(0, 5000), "nan", "'nan' is not a number"),
        (number(0, 5000), "many", "'many' is not a number"),
        (one_of(Colour), "green", "'green' is none of red, blue"),
    ],
)
def test_a_bad_value_is_answered_with_what_would_be_right(
    parse: Callable[[Any], Any], value: str, said: str
) -> None:
    with pytest.raises(typer.BadParameter) as error:
        parse(value)
    assert error.value.message == said
