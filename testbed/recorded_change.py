"""A change of the live configuration that is written into the record, whoever asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foundation.patient_ledger import PatientLedger
from foundation.state import State
from foundation.user import user
from services.platform.configuration.document import Document
from testbed.configuration import Change, Make
from testbed.site import Site


def apply(state: State, make: Make, direct: bool = False) -> Change:
    """Change the configuration, wait for the parts, and write it into the record. Raises Failure.

    That it is begun is in the record, too: what it brings about may be seen before all parts go by it.
    """
    site, ledger = Site(state), PatientLedger(state.ledger)
    ledger.append("configuration.begun", by=user())
    change = site.configuration.change(make, direct)
    document = change.document
    ledger.append(
        "configuration.changed",
        version=document.version,
        by=document.by,
        reason=document.reason,
        changes=told_changes(document, change.former),
        restores=document.restores,
        forced=document.forced,
        way=change.way,
        seconds=change.seconds,
        missing=sorted(change.missing),
    )
    return change


def told_changes(document: Document, former: Document) -> Mapping[str, dict[str, Any]]:
    """By key, the value before and after, as JSON tells it."""
    changes = document.changes_since(former)
    return {name: {"from": before, "to": after} for name, (before, after) in changes.items()}
