"""What a value of the configuration may be: how it is read from a command line, its bounds, in words.

Only who changes the configuration asks. Parts go by what is there, since a bad value can be forced on them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Protocol

from services.platform.settings import Address


class Kind(Protocol):
    """A type with its bounds."""

    @property
    def wanted(self) -> str:
        """For a person: `a number from 1 to 9`."""

    def read(self, text: str) -> Any:
        """The value that a text means. Raises ValueError where it means none."""


@dataclass(frozen=True)
class Switch:
    wanted: str = "on or off"

    def read(self, text: str) -> bool:
        return {"on": True, "off": False}[text] if text in ("on", "off") else _refuse()


@dataclass(frozen=True)
class Number:
    low: float
    high: float

    @property
    def wanted(self) -> str:
        return f"a number from {self.low:g} to {self.high:,g}"

    def read(self, text: str) -> float:
        number = float(text)
        return number if self.low <= number <= self.high else _refuse()


@dataclass(frozen=True)
class Whole:
    low: int
    high: int

    @property
    def wanted(self) -> str:
        return f"a whole number from {self.low} to {self.high:,}"

    def read(self, text: str) -> int:
        number = int(text)
        return number if self.low <= number <= self.high else _refuse()


@dataclass(frozen=True)
class Choice:
    words: tuple[str, ...]

    @property
    def wanted(self) -> str:
        return f"one of {', '.join(self.words)}"

    def read(self, text: str) -> str:
        return text if text in self.words else _refuse()


@dataclass(frozen=True)
class Reference:
    """The address of a part; empty: where its environment says that it is."""

    wanted: str = "host:port, or '' for the one in the environment"

    def read(self, text: str) -> str:
        return str(Address.parse(text)) if text else ""


@dataclass(frozen=True)
class Patterns:
    """Regular expressions."""

    most: int
    longest: int

    @property
    def wanted(self) -> str:
        return (
            f"a JSON list of at most {self.most} regular expressions of {self.longest} characters each, such "
            """as '["free money"]'"""
        )

    def read(self, text: str) -> list[str]:
        patterns: list[str] = json.loads(text)
        if not isinstance(patterns, list) or len(patterns) > self.most:
            _refuse()
        for pattern in patterns:
            if not isinstance(pattern, str) or not pattern or len(pattern) > self.longest:
                _refuse()
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return patterns


@dataclass(frozen=True)
class Texts:
    """Names of something."""

    most: int
    longest: int
    example: str

    @property
    def wanted(self) -> str:
        return (
            f"a JSON list of at most {self.most} texts of {self.longest} characters each, such as"
            f""" '["{self.example}"]'"""
        )

    def read(self, text: str) -> list[str]:
        texts: list[str] = json.loads(text)
        if not isinstance(texts, list) or len(texts) > self.most:
            _refuse()
        if not all(isinstance(one, str) and 0 < len(one) <= self.longest for one in texts):
            _refuse()
        return texts


def spell(value: object) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value or "''"
    return json.dumps(value, ensure_ascii=False)


def _refuse() -> Any:
    raise ValueError
