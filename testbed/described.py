"""The parts of the site as its compose file describes them, for who asks while none is up."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from testbed.inventory import Part
from testbed.labels import Labels
from testbed.runtimes.lifecycle import COMPOSE_FILE

ROLES = {"store@east": "primary", "store@west": "replica"}
"""What the stores are at the first start."""


@cache
def described_parts(file: Path = COMPOSE_FILE) -> tuple[Part, ...]:
    """All that run as long as the site does, without addresses, in the order of the file."""
    services = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    found = []
    for compose_name, body in services.items():
        labels = Labels.of(body.get("labels") or {}, compose_name)
        if labels.kind != "setup" and not body.get("profiles"):
            found.append(Part(labels.name, labels.service, labels.place, compose_name, None, {}, labels.kind))
    return tuple(found)
