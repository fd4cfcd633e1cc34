"""Variables in a compose file: `$NAME`, `${NAME:-default}` and its relatives, with the meaning Compose
gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableSet
from pathlib import Path

from foundation.failure import USAGE, Failure

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def interpolate(text: str, variables: Mapping[str, str], used: MutableSet[str]) -> str:
    """Replace every variable in `text` and add its name to `used`. `$$` is a dollar sign. Raises Failure
    for a required variable (`${NAME:?message}`) that is not set and for a `$` that starts nothing."""
    result: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        result.append(text[position:dollar])
        if text.startswith("$$", dollar):
            result.append("$")
            position = dollar + 2
        elif text.startswith("${", dollar):
            end = _closing_brace(text, dollar + 2)
            result.append(_braced(text[dollar + 2 : end], variables, used))
            position = end + 1
        elif match := _NAME.match(text, dollar + 1):
            used.add(match.group())
            result.append(variables.get(match.group(), ""))
            position = match.end()
        else:
            raise Failure(f"a lone $ in {text!r}", "write $$ where a dollar sign is meant", USAGE)
    result.append(text[position:])
    return "".join(result)


def _closing_brace(text: str, start: int) -> int:
    """Where the `}` stands that belongs to the `${` before `start`; defaults may hold variables
    themselves."""
    depth = 1
    for index in range(start, len(text)):
        if text.startswith("${", index):
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    raise Failure(f"a ${{ without its }} in {text!r}", code=USAGE)


def _braced(body: str, variables: Mapping[str, str], used: MutableSet[str]) -> str:
    match = _NAME.match(body)
    if match is None:
        raise Failure(f"${{{body}}} does not name a variable", code=USAGE)
    name, rest = match.group(), body[match.end() :]
    used.add(name)
    value = variables.get(name)
    if not rest:
        return value or ""
    colon = rest.startswith(":")
    operator, operand = rest[colon : colon + 1], rest[colon + 1 :]
    is_set = value is not None and not (colon and value == "")
    match operator:
        case "-":
            return value or "" if is_set else interpolate(operand, variables, used)
        case "+":
            return interpolate(operand, variables, used) if is_set else ""
        case "?":
            if not is_set:
                raise Failure(
                    f"{name} is not set: {operand or 'it is required'}", f"set it: {name}=...", USAGE
                )
            return value or ""
    raise Failure(f"${{{body}}} is no form that Compose knows", code=USAGE)


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env` file, which the real environment overrides. No file means no variables."""
    variables: dict[str, str] = {}
    if not path.exists():
        return variables
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip().removeprefix("export ")
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not _NAME.fullmatch(name.strip()):
            raise Failure(f"{path}, line {number}: not of the form NAME=value", code=USAGE)
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        else:
            value = value.split(" #")[0].rstrip()
        variables[name.strip()] = value
    return variables
