"""The rules by which a site's Prometheus goes: files that it reads anew when it is told to.

What is written here is JSON, which is YAML, too. Whatever was done to them is undone by the next start of
Prometheus, which brings its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from foundation.failure import Failure
from testbed.control import Control, Unreachable
from testbed.inventory import Part

SUFFIX = ".rules.yml"
ASIDE = ".aside"
ADDED = f"added{SUFFIX}"
"""A file that Prometheus' own start does not bring."""
ASKED_WITHIN = 1.0


class AlertRules:
    """The files of one site. Nothing here has Prometheus read them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take_out(self, alert: str) -> None:
        """Take the rule of an alert out of its file, which is kept aside; nothing happens when it was
        taken out already. Raises Failure when there is no such rule."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            document = yaml.safe_load(path.read_text())
            groups = document["groups"]
            before = sum(len(group["rules"]) for group in groups)
            for group in groups:
                group["rules"] = [rule for rule in group["rules"] if rule.get("alert") != alert]
            if sum(len(group["rules"]) for group in groups) < before:
                aside = path.with_name(path.name + ASIDE)
                if not aside.exists():
                    _write(aside, path.read_text())
                _write(path, json.dumps(document))
                return
        if not self.is_incomplete:
            raise Failure(f"Prometheus has no rule for an alert {alert!r} in {self._folder}")

    def put_back(self) -> None:
        """Put back every rule that was taken out."""
        for aside in self._folder.glob(f"*{ASIDE}"):
            aside.rename(aside.with_name(aside.name.removesuffix(ASIDE)))

    def names(self) -> set[str]:
        """The alerts that its files have rules for."""
        documents = [yaml.safe_load(path.read_text()) for path in self._folder.glob(f"*{SUFFIX}")]
        rules = [rule for one in documents for group in one["groups"] for rule in group["rules"]]
        return {rule["alert"] for rule in rules if "alert" in rule}

    @property
    def is_incomplete(self) -> bool:
        """Whether a rule was taken out."""
        return any(self._folder.glob(f"*{ASIDE}"))

    def add(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Add a group of rules, instead of those that were added before."""
        group = {"name": "added", "interval": "1s", "rules": [dict(rule) for rule in rules]}
        _write(self._folder / ADDED, json.dumps({"groups": [group]}))

    def remove_added(self) -> None:
        """Remove what was added."""
        (self._folder / ADDED).unlink(missing_ok=True)

    @property
    def has_added(self) -> bool:
        """Whether any were added."""
        return (self._folder / ADDED).exists()


def evaluated(prometheus: Part) -> dict[str, str]:
    """The alerts whose rules Prometheus evaluates at this moment, by name, and the state of each: inactive,
    pending or firing. Raises Unreachable when it does not answer."""
    control = Control(*prometheus.address(), tls=None, timeout=ASKED_WITHIN)
    answer = control.ask("GET", "/api/v1/rules?type=alert")
    try:
        groups = json.loads(answer.body)["data"]["groups"]
        return {rule["name"]: rule["state"] for group in groups for rule in group["rules"]}
    except (ValueError, KeyError) as error:
        raise Unreachable(f"Prometheus answers {answer.status}, and no rules") from error


def _write(path: Path, text: str) -> None:
    """In one step, since Prometheus may read at any moment. It reads no file with another ending."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.rename(path)
