"""The lines of a bulk import."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, TypeAdapter

from services.platform.bulk import lines_of
from services.platform.problems import Problem


class Line(BaseModel):
    number: int


KIND = TypeAdapter(Line)


def test_each_line_is_one_and_empty_ones_are_none():
    assert lines_of(b'{"number": 1}\n\n{"number": 2}\n', KIND, "Not a line") == [
        Line(number=1),
        Line(number=2),
    ]
    assert lines_of(b"", KIND, "Not a line") == []


@pytest.mark.parametrize("wrong", [b'{"number": "x"}', b"{", b"\xff", b"[]"])
def test_one_line_that_is_none_refuses_all(wrong):
    with pytest.raises(Problem, match="422 invalid-request") as refused:
        lines_of(b'{"number": 1}\n' + wrong, KIND, "Not a line")
    assert refused.value.title == "Not a line"
