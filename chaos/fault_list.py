"""What can be broken: all faults by family, or those that fit what is asked; and one of them whole."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby

from chaos.catalogue import by_family
from chaos.fault import PARTS, SERVICES, Fault
from chaos.fault_command import spell_bounds
from chaos.journeys import JOURNEYS_OF
from foundation.console import stdout
from foundation.failure import USAGE, Failure
from foundation.suggestions import unknown


def fitting(word: str | None, family: str | None, journey: str | None) -> list[Fault]:
    """The faults to be listed, by family: those with the word in their name or help, of the family, that may
    hurt the journey. Raises Failure (usage) where there is none."""
    listed = [fault for fault in by_family() if fault.listed]
    if family is not None and family not in (families := sorted({fault.family for fault in listed})):
        raise unknown("fault family", family, families)
    if journey is not None and journey not in (journeys := JOURNEYS_OF["frontend"]):
        raise unknown("journey", journey, journeys)
    found = [
        fault
        for fault in listed
        if (family is None or fault.family == family)
        and (journey is None or journey in fault.describe()["hurts"])
        and (word is None or word.lower() in f"{fault.name} {fault.family} {fault.help}".lower())
    ]
    if not found:
        raise Failure("no fault is like that", "all of them: failwhale chaos list", code=USAGE)
    return found


def print_list(faults: Iterable[Fault]) -> None:
    """A line or two for each, family by family, as wide as the terminal is."""
    faults = list(faults)
    indent = max(len(fault.name) for fault in faults) + 4
    for family, members in groupby(faults, key=lambda one: one.family):
        stdout().print(f"[bold]{family}[/bold]")
        for fault in members:
            _print_row(f"  {fault.name}", [f"{fault.summary} ({_spell_place(fault)})"], indent)
    stdout().print()


def print_journeys() -> None:
    """Which journeys a fault may hurt, by where it is."""
    rows = [(part, ", ".join(JOURNEYS_OF.get(part, ())) or "none") for part in PARTS]
    indent = max(len(part) for part in PARTS) + 4
    stdout().print("[bold]which journeys a fault may hurt, by its place[/bold]")
    for part, journeys in rows:
        _print_row(f"  {part}", [journeys], indent)
    stdout().print()


def print_whole(fault: Fault) -> None:
    """All there is to know of one fault."""
    told = fault.describe()
    options = ["--for DURATION", *(["--from SELECTOR"] if fault.of_calls else [])]
    rows: list[tuple[str, list[str]]] = [
        (fault.name, [fault.help]),
        ("family", [fault.family]),
        ("at", [_spell_targets(fault)]),
        ("on", [", ".join(fault.runtimes), *([f"needs {needs}"] if (needs := told["needs"]) else [])]),
        ("may hurt", [", ".join(told["hurts"]) or "no journey"]),
        ("options", [*options, *(f"{one.flag}: {one.help} {spell_bounds(one)}" for one in fault.parameters)]),
        *([("intensity", [f"--intensity 1 to 10: {fault.spell_dial()}"])] if fault.dialled else []),
        *([("precedent", [fault.precedent])] if fault.precedent else []),
        ("example", [fault.example]),
    ]
    indent = max(len(name) for name, _ in rows) + 2
    for name, paragraphs in rows:
        _print_row(name, paragraphs, indent)


def _print_row(name: str, paragraphs: Sequence[str], indent: int) -> None:
    """A name and its paragraphs, broken between words where the terminal ends."""
    width = max(stdout().width, indent + 20)
    margin = f"{name:{indent}}"
    for paragraph in paragraphs:
        for line in textwrap.wrap(paragraph, width - indent, break_on_hyphens=False):
            stdout().print(f"{margin}{line}", markup=False)
            margin = " " * indent


def _spell_place(fault: Fault) -> str:
    """Where it can be done, and on which runtime, unless that is all."""
    needs = fault.describe()["needs"]
    only = f"; on {' and '.join(fault.runtimes)} only: it needs {needs}" if needs else ""
    return f"{_spell_targets(fault)}{only}"


def _spell_targets(fault: Fault) -> str:
    if set(PARTS) <= set(fault.targets):
        return "any part"
    some = [target for target in fault.targets if target not in SERVICES]
    return ", ".join(["any service", *some] if set(SERVICES) <= set(fault.targets) else fault.targets)
