from __future__ import annotations

from pathlib import Path

import pytest

from foundation.failure import Failure
from testbed.runtimes.interpolation import interpolate, read_dotenv

VARIABLES = {"SET": "value", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$SET/x", "value/x"),
        ("${SET}x", "valuex"),
        ("${UNSET}", ""),
        ("${UNSET:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY-default}", ""),
        ("${SET:-default}", "value"),
        ("${UNSET:-${SET}}", "value"),
        ("${UNSET:-${OTHER:-deep}}!", "deep!"),
        ("${SET:+yes}${UNSET:+no}", "yes"),
        ("${EMPTY+yes}${EMPTY:+no}", "yes"),
        ("${SET:?must be set}", "value"),
        ("costs $$5 and $${SET}", "costs $5 and ${SET}"),
        ("127.0.0.1:${PORT:-8443}:8443", "127.0.0.1:8443:8443"),
    ],
)
def test_means_what_compose_means(text: str, expected: str) -> None:
    assert interpolate(text, VARIABLES, set()) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${UNSET:?the port is required}", "the port is required"),
        ("${EMPTY:?needed}", "needed"),
        ("${SET", "without its }"),
        ("${1X}", "does not name a variable"),
        ("${SET%x}", "no form that Compose knows"),
        ("5 $ each", "lone"),
    ],
)
def test_refuses_the_rest(text: str, reason: str) -> None:
    with pytest.raises(Failure, match=reason):
        interpolate(text, VARIABLES, set())


def test_notes_every_variable() -> None:
    used: set[str] = set()
    interpolate("$A ${B:-$C} ${SET:-$D}", VARIABLES, used)
    assert used == {"A", "B", "C", "SET"}


def test_dotenv(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert read_dotenv(file) == {}
    file.write_text("# comment\n\nexport A=1\nB = 'two words' \nC=x=y # why\nD=\n")
    assert read_dotenv(file) == {"A": "1", "B": "two words", "C": "x=y", "D": ""}
    file.write_text("not a variable\n")
    with pytest.raises(Failure, match="line 1"):
        read_dotenv(file)
