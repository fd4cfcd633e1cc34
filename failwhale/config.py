"""`failwhale config`: what the parts of the running site go by: shown, changed, and rolled back."""

from __future__ import annotations

import json as json_text
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    USAGE,
    Failure,
    JsonOption,
    StateOption,
    print_json,
    print_table,
    spell_duration,
    stdout,
)
from foundation.state import State

if TYPE_CHECKING:
    from services.platform.configuration.document import Document
    from testbed.configuration import Change, LiveConfiguration, Make

DEFAULT = "default"
"""The word for what a key is without configuration."""

SHOWN = 20
"""Versions in the history."""

CELL = 40
"""Characters of a value in a table; `--json` and `show KEY` have all of it."""

commands = App(
    cls=Group,
    help="The live configuration: show it, change it, see who changed it, roll it back.\n\n"
    "Example: failwhale config set flags.second-factor off",
    add_completion=False,
)

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who look later.")]
DirectOption = Annotated[
    bool,
    typer.Option("--direct", help="Hand it to each part as well: for when they cannot read it in the store."),
]


@commands.command("show")
def show(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A key, or what several begin with.")] = "",
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
) -> None:
    """Show the configuration that is in force: each key, what it is, and what it may be.

    Examples:
      failwhale config show
      failwhale config show plans
      failwhale config show post.blocked-patterns
    """
    from services.platform.configuration.schema import KEYS
    from services.platform.configuration.values import spell

    names = [name for name in KEYS if not key or name == key or name.startswith(f"{key}.")]
    if not names:
        raise _unknown(key)
    document = _configuration(state).newest()
    if json:
        rows = {
            name: {
                "value": document.value(name),
                "is_set": name in document.values,
                "default": KEYS[name].default,
                "allowed": KEYS[name].kind.wanted,
                "help": KEYS[name].help,
            }
            for name in names
        }
        print_json({**_head(document), "values": rows})
    elif names == [key]:
        stdout().print(f"{key} is {spell(document.value(key))}; by default {spell(KEYS[key].default)}")
        stdout().print(f"{KEYS[key].help} It may be {KEYS[key].kind.wanted}.", markup=False)
    else:
        stdout().print(_title(document), markup=False)
        print_table(
            ("key", "value", "", "what it is"),
            [
                (name, _cell(document.value(name)), "set" if name in document.values else "", KEYS[name].help)
                for name in names
            ],
        )


@commands.command("set")
def set_key(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Which: see failwhale config show.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What it shall be; or: default.")],
    force: Annotated[bool, typer.Option("--force", help="Also a value that is not allowed.")] = False,
    reason: ReasonOption = "",
    direct: DirectOption = False,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
) -> None:
    """Change a key, and wait until that is in force on every part: half a second, as a rule.

    Where no store takes writes it is handed to each part, which gives it to the store later.

    Examples:
      failwhale config set flags.second-factor off --reason "nobody sends the codes"
      failwhale config set post.blocked-patterns '["free money"]'
      failwhale config set plans.own.session-rate 0 --force
      failwhale config set plans.own.session-rate default
    """
    from foundation.user import user
    from testbed.configuration import setting

    read, is_bad = _read(key, value, force)
    _change(state, setting({key: read}, user(), reason or None, is_bad), direct, json)


@commands.command("history")
def history(state: StateOption = DEFAULT_STATE, json: JsonOption = False) -> None:
    """Show who changed what, when and why, the latest first.

    Example: failwhale config history
    """
    from services.platform.configuration.document import INITIAL
    from testbed.recorded_change import told_changes

    documents = _configuration(state).stored(SHOWN + 1)
    pairs = list(pairwise([*documents, INITIAL]))[:SHOWN]
    if json:
        print_json([{**_head(one), "changes": told_changes(one, before)} for one, before in pairs])
        return
    if not pairs:
        stdout().print("nobody has changed anything: every key is at its default")
    for one, before in pairs:
        stdout().print(_title(one), markup=False)
        _print_changes(one, before)


@commands.command("diff")
def diff(
    first: Annotated[int | None, typer.Argument(metavar="FROM", help="The earlier version.")] = None,
    second: Annotated[int | None, typer.Argument(metavar="TO", help="The later one.")] = None,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
) -> None:
    """Show which keys differ between two versions: by default the newest one and the one before.

    Examples:
      failwhale config diff
      failwhale config diff 3 5
      failwhale config diff 0
    """
    from testbed.recorded_change import told_changes

    configuration = _configuration(state)
    after = configuration.newest() if second is None else configuration.version(second)
    before = configuration.version(max(0, after.version - 1) if first is None else first)
    if json:
        print_json({"from": before.version, "to": after.version, "changes": told_changes(after, before)})
        return
    stdout().print(f"from version {before.version} to version {after.version}:")
    _print_changes(after, before)


@commands.command("roll-back")
def roll_back(
    version: Annotated[
        int | None, typer.Argument(metavar="VERSION", help="Which to have again; by default the one before.")
    ] = None,
    reason: ReasonOption = "",
    direct: DirectOption = False,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
) -> None:
    """Have an earlier version again, and wait until it is in force on every part.

    It asks the store and the parts' control endpoints, and nothing that serves users: it works while the site
    does not. Where no store answers the earlier version is what the parts had before. What it restores is a
    new version, so a second one without a number undoes the first: to go further back, name the version.

    Examples:
      failwhale config roll-back
      failwhale config roll-back 4 --reason "all was well then"
      failwhale config roll-back --direct
    """
    from foundation.user import user
    from testbed.configuration import restoring

    configuration = _configuration(state)
    wanted = configuration.version(configuration.newest().version - 1 if version is None else version)
    _change(state, restoring(wanted, user(), reason or None), direct, json)


# --- what they share ---


def _configuration(state: Path) -> LiveConfiguration:
    from testbed.site import Site

    return Site(State(state)).configuration


def _read(key: str, text: str, force: bool) -> tuple[Any, bool]:
    """The value that is meant, None for the default; and whether it is one that is not allowed."""
    from services.platform.configuration.schema import KEYS

    if key not in KEYS:
        raise _unknown(key)
    if text == DEFAULT:
        return None, False
    kind = KEYS[key].kind
    try:
        return kind.read(text), False
    except ValueError as error:
        if not force:
            cause = f"{key}: {text!r} is not {kind.wanted}"
            raise Failure(
                f"{cause} ({error})" if "expression:" in str(error) else cause,
                "to have it all the same, as incidents do: --force",
                USAGE,
            ) from None
    try:
        return json_text.loads(text), True
    except ValueError:
        return text, True


def _unknown(key: str) -> Failure:
    from foundation.suggestions import nearest
    from services.platform.configuration.schema import KEYS

    meant = ", ".join(nearest(key, list(KEYS), 3))
    return Failure(f"no key is named {key!r}", f"the nearest: {meant}; all: failwhale config show", USAGE)


def _change(state: Path, make: Make, direct: bool, json: bool) -> None:
    from testbed.recorded_change import apply, told_changes

    change = apply(State(state), make, direct)
    if json:
        print_json(
            {
                **_head(change.document),
                "changes": told_changes(change.document, change.former),
                "way": change.way,
                "seconds": None if change.seconds is None else round(change.seconds, 3),
                "in_force": change.parts,
                "missing": change.missing,
            }
        )
    else:
        stdout().print(_title(change.document), markup=False)
        _print_changes(change.document, change.former)
        for line in spell_outcome(change):
            stdout().print(line, markup=False)
    if change.missing:
        raise typer.Exit(FAILED)


def spell_outcome(change: Change) -> list[str]:
    """Whether a change is in force, a line each."""
    lines = []
    if change.way == "direct":
        lines.append("no store takes writes: it was handed to each part, which gives it to the store later")
    total = len(change.parts) + len(change.missing)
    if change.missing:
        lines.append(f"in force on {len(change.parts)} of {total} parts; not on:")
        lines += [f"  {part}: {why}" for part, why in change.missing.items()]
        if change.way == "store":
            lines.append("to hand it to them without the store: --direct")
    elif change.seconds is not None:
        lines.append(f"in force on all {total} parts after {spell_duration(change.seconds)}")
    return lines


def _head(document: Document) -> dict[str, Any]:
    return {
        "version": document.version,
        "at": document.at or None,
        "by": document.by or None,
        "reason": document.reason,
        "forced": document.forced,
        "restores": document.restores,
        "faults": list(document.faults),
    }


def _title(document: Document) -> str:
    if not document.version:
        return "version 0: every key is at its default"
    what = f", restores version {document.restores}" if document.restores is not None else ""
    forced = ", forced" if document.forced else ""
    why = f": {document.reason}" if document.reason else ""
    day, clock = document.at[:10], document.at[11:19]
    return f"version {document.version}, {day} {clock} by {document.by}{what}{forced}{why}"


def _print_changes(document: Document, former: Document) -> None:
    changes = document.changes_since(former)
    for name, (before, after) in changes.items():
        stdout().print(f"  {name}: {_cell(before)} -> {_cell(after)}", markup=False)
    if not changes:
        stdout().print("  nothing is different")


def _cell(value: object) -> str:
    from services.platform.configuration.values import spell

    text = spell(value)
    return text if len(text) <= CELL else f"{text[: CELL - 3]}..."
