"""Parsers for options and arguments that say in plain words what would be right."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from math import inf, isnan, nan
from typing import TypeVar

import typer

Choice = TypeVar("Choice", bound=StrEnum)


def whole_number(low: float = -inf, high: float = inf) -> Callable[[str | int], int]:
    """`parser=` for a whole number within bounds, both included."""

    def parse(value: str | int) -> int:
        try:
            number = int(value)
        except ValueError:
            raise typer.BadParameter(f"{value!r} is not a whole number") from None
        if not low <= number <= high:
            raise typer.BadParameter(f"{number} is not within {low:,} and {high:,}")
        return number

    return parse


def number(low: float, high: float) -> Callable[[str | float], float]:
    """`parser=` for a number within bounds, both included."""

    def parse(value: str | float) -> float:
        try:
            number = float(value)
        except ValueError:
            number = nan
        if isnan(number):
            raise typer.BadParameter(f"{value!r} is not a number")
        if not low <= number <= high:
            raise typer.BadParameter(f"{number:g} is not within {low:g} and {high:,g}")
        return number

    return parse


def one_of(choices: type[Choice]) -> Callable[[str], Choice]:
    """`parser=` for a word out of a list."""

    def parse(value: str) -> Choice:
        try:
            return choices(value)
        except ValueError:
            raise typer.BadParameter(f"{value!r} is none of {', '.join(choices)}") from None

    return parse
