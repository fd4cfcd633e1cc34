"""The compose file as Docker Compose understands it: anchors and merges resolved, variables as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docker-compose.yml").read_text()
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]


def variables() -> dict[str, str]:
    """Every variable that the file reads, with its default."""
    return dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", TEXT))


def label(name: str, key: str) -> str | None:
    value: str | None = SERVICES[name]["labels"].get(f"failwhale.{key}")
    return value


def mounts(name: str) -> list[tuple[str, str, bool]]:
    """Source, target, and whether it is read-only."""
    found = []
    for item in SERVICES[name].get("volumes", []):
        if isinstance(item, dict):
            found.append((item["source"], item["target"], item.get("read_only", False)))
        else:
            source, target, *rest = item.split(":")
            found.append((source, target, rest == ["ro"]))
    return found
