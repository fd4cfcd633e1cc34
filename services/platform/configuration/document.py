"""A document of the configuration: one version of all that is not at its default, who made it, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from services.platform.configuration.schema import KEYS, SCHEMA


@dataclass(frozen=True)
class Document:
    """One version. What is not in `values` is as the schema says."""

    version: int
    at: str = ""
    """When it was made (RFC 3339)."""
    by: str = ""
    reason: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    forced: bool = False
    """Somebody insisted on a value that is outside its bounds."""
    restores: int | None = None
    """The version that it brings back."""
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By the id of a fault whose values are in it: what the same keys had before; None: their default."""

    def value(self, key: str, default: Any = None) -> Any:
        """What a key is here: as it is set, else `default`, else as the schema says."""
        if key in self.values:
            return self.values[key]
        return KEYS[key].default if default is None else default

    def next(self, version: int, at: str, by: str, reason: str | None, **changes: Any) -> Document:
        """The document after this one."""
        fresh: dict[str, Any] = {"forced": False, "restores": None, **changes}
        return replace(self, version=version, at=at, by=by, reason=reason, **fresh)

    def changes_since(self, former: Document) -> dict[str, tuple[Any, Any]]:
        """What the keys that differ were in the former one, and are here."""
        names = sorted({**former.values, **self.values})
        both = {name: (_shown(former, name), _shown(self, name)) for name in names}
        return {name: pair for name, pair in both.items() if pair[0] != pair[1]}

    def text(self) -> str:
        """As it is stored and sent."""
        row = {one.name: getattr(self, one.name) for one in fields(self)}
        return json.dumps({"schema": SCHEMA, **row}, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def parse(cls, text: bytes | str) -> Self:
        """Read what `text` wrote. Raises ValueError for anything else."""
        row = json.loads(text)
        if not isinstance(row, dict) or row.pop("schema", None) != SCHEMA:
            raise ValueError(f"this is no document of the form {SCHEMA}: {text[:60]!r}")
        try:
            document = cls(**row)
        except TypeError as error:
            raise ValueError(f"this is no document of the form {SCHEMA}: {error}") from None
        if not isinstance(document.version, int) or not isinstance(document.values, dict):
            raise ValueError(f"this is no document of the form {SCHEMA}: {text[:60]!r}")
        return document


def _shown(document: Document, name: str) -> Any:
    """A value; None for one that was deleted, and for a key that the schema has no more."""
    return document.value(name) if name in KEYS else document.values.get(name)


INITIAL = Document(0)
"""Before anybody configured anything."""
