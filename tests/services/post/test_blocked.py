"""Texts that may not be posted, as the configuration says; a list that is too long ends the part."""

from __future__ import annotations

from typing import Any

import pytest

from services.platform.configuration.document import Document
from services.platform.configuration.schema import BLOCKED_PATTERNS, MOST_PATTERNS
from services.platform.problems import Problem
from services.post import blocked
from services.post.blocked import Blocked


def document(patterns: Any) -> Document:
    return Document(1, values={BLOCKED_PATTERNS: patterns})


def test_a_text_with_a_blocked_pattern_is_refused() -> None:
    rules = Blocked()
    rules.refuse("free money")
    rules.apply(document(["free +money", "^spam"]))
    rules.refuse("money, free")
    for text in ("Get FREE  money", "spam and eggs"):
        with pytest.raises(Problem) as refused:
            rules.refuse(text)
        assert (refused.value.status, refused.value.slug) == (422, "text-blocked")


@pytest.mark.parametrize("patterns", [["("], [1], None])
def test_what_is_no_list_of_patterns_is_refused(patterns: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        Blocked().apply(document(patterns))


def test_a_list_that_is_too_long_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException): ...

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(blocked.os, "_exit", end)
    Blocked().apply(document(["x"] * MOST_PATTERNS))
    with pytest.raises(Ended):
        Blocked().apply(document(["x"] * (MOST_PATTERNS + 1)))
