"""What `failwhale up --dry-run` shows: what would be started, and what would not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from foundation.console import print_json, print_table, stdout

if TYPE_CHECKING:
    from testbed.runtimes.lifecycle import Outlook, PlannedPart


def show(outlook: Outlook, as_json: bool) -> None:
    """To a person, or as JSON; what has no meaning for the runtime is not mentioned in either."""
    if as_json:
        print_json(_content(outlook))
        return
    made_of = "command" if any(part.command is not None for part in outlook.parts) else "image"
    print_table(("part", made_of, "addresses"), [_row(part) for part in outlook.parts])
    for out in outlook.left_out:
        stdout().print(f"without {out.part}: {out.reason}")
    for moved in outlook.moved:
        stdout().print(f"{moved.part} at {moved.address}: port {moved.wanted} is taken")
    if outlook.set_aside is not None:
        keys = ", ".join(sorted({key for _, key in outlook.set_aside}))
        stdout().print(f"ignored, since it only means something to containers: {keys or 'nothing'}")
    if outlook.project is not None:
        stdout().print(f"as the Compose project {outlook.project}")


def _row(part: PlannedPart) -> tuple[str, str | None, str]:
    addresses = part.addresses.values() if isinstance(part.addresses, Mapping) else part.addresses
    made_of = part.image if part.command is None else " ".join(part.command)
    return part.name, made_of, ", ".join(addresses)


def _content(outlook: Outlook) -> dict[str, Any]:
    content: dict[str, Any] = {} if outlook.project is None else {"project": outlook.project}
    content["parts"] = [_part(part) for part in outlook.parts]
    content["left_out"] = [{"part": row.part, "reason": row.reason} for row in outlook.left_out]
    if outlook.set_aside is not None:
        content["set_aside"] = [{"service": name, "key": key} for name, key in outlook.set_aside]
    return content


def _part(part: PlannedPart) -> dict[str, Any]:
    made_of = {"image": part.image} if part.command is None else {"command": list(part.command)}
    return {"name": part.name, **made_of, "addresses": part.addresses}
