"""A table of the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def html_table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: set[int]) -> str:
    """A table of finished HTML cells; `numbers` are the columns to align right.

    On a phone each row is a card, whose cells say the head of their column themselves.
    """
    sides = ["class='n'" if number in numbers else "" for number in range(len(heads))]
    head = "".join(f"<th {side}>{text}</th>" for side, text in zip(sides, heads, strict=True))
    body = "".join(
        "<tr>"
        + "".join(
            f"<td {side} data-head='{text}'>{cell}</td>"
            for side, text, cell in zip(sides, heads, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
