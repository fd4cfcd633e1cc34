"""From JSON or YAML to frozen dataclasses. What does not fit is named by its place: `parts[3].main`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Record = TypeVar("Record")

WRITTEN = "written"
"""In the metadata of a field: the name that it has in the file, where that is no name in Python."""

_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


class Misfit(ValueError):
    """Says which field does not fit, and what it should be."""


def decode(kind: type[Record], value: object, where: str = "") -> Record:
    """A value of JSON as this dataclass, whose fields are texts, numbers, literals, records, and optional
    ones, tuples and mappings by text of these. Raises Misfit."""
    result: Record = _decode(kind, value, where)
    return result


def _decode(kind: Any, value: object, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        (some,) = (one for one in arguments if one is not NoneType)
        return None if value is None else _decode(some, value, where)
    if origin is Literal:
        if value not in arguments:
            raise _misfit(where, f"one of {', '.join(arguments)}", value)
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise _misfit(where, "a list", value)
        return tuple(_decode(arguments[0], one, f"{where}[{number}]") for number, one in enumerate(value))
    if origin is Mapping:
        rows = _mapping(value, where)
        return {name: _decode(arguments[1], one, _inside(where, name)) for name, one in rows.items()}
    if is_dataclass(kind):
        return _record(kind, _mapping(value, where), where)
    if type(value) is kind or (kind is float and type(value) is int):
        return value
    raise _misfit(where, _WORDS[kind], value)


def _record(kind: Any, rows: dict[str, object], where: str) -> Any:
    hints = _hints(kind)
    known = {field.metadata.get(WRITTEN, field.name): field for field in fields(kind)}
    for name in rows.keys() - known.keys():
        raise Misfit(f"{_inside(where, name)} is not known: {', '.join(known)}")
    for name, field in known.items():
        if name not in rows and field.default is field.default_factory is MISSING:
            raise Misfit(f"{_inside(where, name)} is missing")
    return kind(
        **{
            known[name].name: _decode(hints[known[name].name], one, _inside(where, name))
            for name, one in rows.items()
        }
    )


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """What each field holds; worked out once, since that costs more than decoding."""
    return get_type_hints(kind)


def _mapping(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _misfit(where, "an object", value)
    return value


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _misfit(where: str, wanted: str, value: object) -> Misfit:
    return Misfit(f"{where or 'all of it'} must be {wanted}, not {value!r:.60}")
