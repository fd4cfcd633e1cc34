"""JSON as it is stored and served."""

from __future__ import annotations

from services.platform.json_text import compact_json


def test_no_blanks_and_nothing_escaped_that_need_not_be():
    assert compact_json({"name": "Bö🐳", "mentions": ["a", "b"]}) == '{"name":"Bö🐳","mentions":["a","b"]}'
    assert compact_json('"\\\n\0') == r'"\"\\\n\u0000"'
