"""Reads incident files. What is wrong in one is told with file, line and key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from chaos.catalogue import fault_named
from chaos.injector import parts_meant, refuse_part_fault
from chaos.journeys import JOURNEYS_OF
from chaos.target import SITE
from foundation.console import duration, spell_duration
from foundation.failure import USAGE, Failure
from foundation.suggestions import unknown
from incidents.incident import Incident
from incidents.planned import PlannedInjection
from testbed.alert_rules import AlertRules
from testbed.decoding import decode
from testbed.described import ROLES, described_parts
from testbed.roll_out import release_named
from testbed.selector import pieces, select

HERE = Path(__file__).parent
CATALOGUE = HERE / "catalogue"
SCHEMA = HERE / "incident.schema.json"
RULE_SETS = HERE.parent / "dashboards" / "prometheus" / "rule_sets"
IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{2,60}")

LONGEST_SECONDS = 120.0
"""Of all that is injected, from the beginning."""

CheckCommand = Callable[[str], None]
"""Raises Failure for what nobody could type."""

Place = Sequence[str | int]
"""The way to a key: names, and numbers in lists."""


def anything(command: str) -> None:
    """Refuses no command: for who has read the file before."""


def catalogue() -> list[str]:
    """The ids of the incidents that come with failwhale."""
    return sorted(file.stem for file in CATALOGUE.glob("*.yaml"))


def file_of(name: str) -> Path:
    """The file of an incident of the catalogue, or one of a person's own, by its path. Raises Failure
    (usage)."""
    if name.endswith(".yaml") or "/" in name:
        return Path(name)
    if name not in catalogue():
        raise unknown("incident", name, catalogue(), "failwhale incident list")
    return CATALOGUE / f"{name}.yaml"


def read(file: Path, check_command: CheckCommand = anything) -> Incident:
    """The incident of a file. Raises Failure (usage) with the first thing that is wrong, and its line."""
    incident, problems = examine(file, check_command)
    if incident is None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise Failure(problems[0] + more, f"see all: failwhale incident validate {file}", USAGE)
    return incident


def examine(file: Path, check_command: CheckCommand) -> tuple[Incident | None, list[str]]:
    """The incident of a file; or None, with what is wrong in it, each as `file:line: key: what`, what is
    missing last."""
    try:
        document = _load(file)
    except OSError as error:
        return None, [f"{file}: {error.strerror or error}"]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [f"{file}:{mark.line + 1 if mark else 1}: {error.problem}"]
    if not IDENTIFIER.fullmatch(file.stem):
        named = "an incident is named in small letters, figures and hyphens"
        return None, [f"{file}:1: {named}, not {file.stem!r}"]
    incident = None
    wrong = [one for error in _validator().iter_errors(document) for one in _told(error)]
    if not wrong:
        incident = _decoded(document, file)
        wrong = list(_nonsense(incident, check_command))
    return (None if wrong else incident), _in_words(file, document, wrong)


def _in_words(file: Path, document: Any, wrong: list[tuple[Place, str]]) -> list[str]:
    told = []
    # What is missing has no line of its own, and may only be misspelled.
    for place, what in sorted(wrong, key=lambda one: (not one[0], _line(document, one[0]))):
        key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
        told.append(f"{file}:{_line(document, place)}: {key or 'the whole'}: {what}")
    return told


def _load(file: Path) -> Any:
    return YAML(typ="rt").load(file.read_text(encoding="utf-8"))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _told(error: ValidationError) -> Iterator[tuple[Place, str]]:
    """Where it is, and what it is in words; a key that is not known stands for itself."""
    path = tuple(error.absolute_path)
    if error.validator == "pattern" and isinstance(error.schema, dict):
        yield path, f"cannot be {error.instance!r}. {error.schema['description']}"
        return
    if error.validator != "additionalProperties" or not isinstance(error.schema, dict):
        yield path, error.message
        return
    known: dict[str, Any] = error.schema["properties"]
    content: Any = error.instance
    for key in content:
        if key not in known:
            yield (*path, key), f"is not known: {', '.join(known)}"


def _decoded(document: Any, file: Path) -> Incident:
    return replace(decode(Incident, json.loads(json.dumps(document))), id=file.stem)


def _line(document: Any, path: Iterable[str | int]) -> int:
    """Where a key stands, or the last one on the way to it that there is."""
    line, node = 1, document
    for step in path:
        places = getattr(getattr(node, "lc", None), "data", None) or {}
        if step not in places:
            break
        line, node = places[step][0] + 1, node[step]
    return line


def _nonsense(incident: Incident, check_command: CheckCommand) -> Iterator[tuple[Place, str]]:
    """What has the right form, and that nobody could play."""
    yield from _failures(_readings(incident, check_command))
    if incident.lasts > LONGEST_SECONDS:
        longest = spell_duration(LONGEST_SECONDS)
        yield ("injections",), f"all is over after {longest} at most, not {spell_duration(incident.lasts)}"
    every = JOURNEYS_OF["frontend"]
    for key, journeys in (("hurt", incident.expect.hurt), ("may-hurt", incident.expect.may_hurt)):
        for number, journey in enumerate(journeys):
            if journey not in every:
                place = journey if isinstance(journeys, Mapping) else number
                yield ("expect", key, place), f"there is no journey {journey!r}: {', '.join(every)}"


def _readings(
    incident: Incident, check_command: CheckCommand
) -> Iterator[tuple[Place, Callable[[], object]]]:
    for number, injection in enumerate(incident.injections):
        yield ("injections", number), partial(_refuse_unfit, injection)
    if incident.expect.alert is not None:
        yield ("expect", "alert", "name"), partial(_refuse_unknown_alert, incident.expect.alert.name)
    if incident.release is not None:
        version = incident.release.version
        yield ("release", "version"), partial(release_named, version)
    for key, fix in (("mitigation", incident.mitigation), ("wrong-fix", incident.wrong_fix)):
        for number, command in enumerate(fix.commands):
            yield (key, "commands", number), partial(check_command, command)
    for name, text in (
        ("within", incident.expect.within),
        ("recovered-within", incident.expect.recovered_within),
    ):
        yield ("expect", name), partial(duration, text)


def _refuse_unfit(injection: PlannedInjection) -> None:
    """Raise Failure for what cannot be asked for, or not of such parts."""
    injection.request()
    fault = fault_named(injection.fault)
    for selector in pieces(injection.target):
        if selector != SITE:
            parts_meant(fault, selector, described_parts(), lambda: ROLES, seed=0)
        else:
            refuse_part_fault(fault)
    if injection.from_selector:
        select(injection.from_selector, described_parts(), lambda: ROLES, seed=0)


def _refuse_unknown_alert(name: str) -> None:
    """Raise Failure for an alert that no rule makes; where the rules are not at hand nobody can say."""
    known = AlertRules(RULE_SETS).names() if RULE_SETS.exists() else {name}
    if name not in known:
        raise unknown("alert", name, sorted(known))


def _failures(readings: Iterable[tuple[Place, Callable[[], object]]]) -> Iterator[tuple[Place, str]]:
    for path, reading in readings:
        try:
            reading()
        except Failure as failure:
            yield path, " ".join(filter(None, (failure.message, failure.next_step)))
        except ValueError as error:
            yield path, str(error)
