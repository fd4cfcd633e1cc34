"""What the site in memory has on its disk: releases, the rules of Prometheus, the token key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from foundation.state import State
from services.platform.injection.spec import FaultSpec
from services.platform.tokens import KEYS_FILE
from testbed.alert_rules import ADDED, AlertRules
from testbed.releases import Releases
from testbed.token_key import TokenKey


class MemoryReleases(Releases):
    """The real road in a folder of its own; what blocks it and clears it are steps."""

    def __init__(self, step: Callable[[], None]) -> None:
        self._temporary = TemporaryDirectory()
        super().__init__(State(self._temporary.name))
        self._step = step

    def block(self, by: str, what: str, machine: str) -> None:
        self._step()
        super().block(by, what, machine)
        self._step()

    def clear(self) -> None:
        self._step()
        super().clear()
        self._step()

    def tell_fault(self, part: str, identifier: str, fault: FaultSpec) -> None:
        self._step()
        super().tell_fault(part, identifier, fault)
        self._step()

    def forget_fault(self, part: str, identifier: str) -> None:
        self._step()
        super().forget_fault(part, identifier)
        self._step()


class MemoryRules(AlertRules):
    """The real files in a folder of their own; what changes them are steps."""

    def __init__(self, step: Callable[[], None]) -> None:
        self._temporary = TemporaryDirectory()
        folder = Path(self._temporary.name)
        super().__init__(folder)
        self._step = step
        rules = [{"alert": name, "expr": "up == 0"} for name in ("JourneyDown", "PartDown")]
        (folder / "own.rules.yml").write_text(json.dumps({"groups": [{"name": "own", "rules": rules}]}))

    def take_out(self, alert: str) -> None:
        self._step()
        super().take_out(alert)
        self._step()

    def put_back(self) -> None:
        self._step()
        super().put_back()
        self._step()

    def add(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._step()
        super().add(rules)
        self._step()

    def remove_added(self) -> None:
        self._step()
        super().remove_added()
        self._step()

    def read(self) -> dict[str, str]:
        """The alerts that are in the files: those that were added fire."""
        return {
            alert: "firing" if path.name == ADDED else "inactive"
            for path in self._folder.glob("*.rules.yml")
            for alert in re.findall(r'"alert": "(\w+)"', path.read_text())
        }


class MemoryTokenKey(TokenKey):
    """A real file in a folder of its own; what takes it away and brings it back are steps."""

    def __init__(self, step: Callable[[], None]) -> None:
        self._temporary = TemporaryDirectory()
        folder = Path(self._temporary.name)
        (folder / KEYS_FILE).write_text('{"current": "one", "keys": {"one": "secret"}}')
        super().__init__(folder)
        self._step = step

    def lose(self) -> None:
        self._step()
        super().lose()
        self._step()

    def restore(self) -> None:
        self._step()
        super().restore()
        self._step()
