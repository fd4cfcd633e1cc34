"""What a prober finds in the ledger that one before it could not finish."""

from __future__ import annotations

import itertools

from foundation.clock import Clock, Setting, parse, stamp
from foundation.ledger import Ledger, Record

STILL_THE_SAME_RUN = 60.0
"""Seconds: a prober that was away for longer finds a site that may have been started anew."""

ITS_OWN = ("attempt.", "outage.", "no-data.", "tally", "prober.", "cast.")
"""Kinds of record that a living prober writes."""


def close_what_was_left_open(ledger: Ledger, now: float) -> bool:
    """Close outages that no prober saw the end of, as unobserved; True when the last prober was
    killed just now.

    Such an outage ends, for the record, at the last sign of life of the prober that saw it; from then
    on there is no data. A killed prober leaves a `prober.gap` record over that time.
    """
    left_open: dict[tuple[str, str], tuple[Record, float]] = {}
    last_sign, running, setting = 0.0, False, Setting()
    for record in itertools.chain(ledger.read(), [{"kind": "", **Clock().reading()}]):
        if moved := setting.step(record):
            last_sign += moved
            left_open = {key: (opened, start + moved) for key, (opened, start) in left_open.items()}
        kind = record["kind"]
        if kind.startswith(ITS_OWN):
            last_sign = parse(record["at"])
        if kind in ("prober.started", "prober.stopped"):
            running = kind == "prober.started"
        elif kind == "outage.opened":
            left_open[record["journey"], record["type"]] = record, parse(record["start"])
        elif kind == "outage.closed":
            left_open.pop((record["journey"], record["type"]), None)
    for record, start in left_open.values():
        fields = {key: record[key] for key in ("journey", "type", "attempts", "failed", "error")}
        end = stamp(max(last_sign, start))
        ledger.append("outage.closed", **fields, start=stamp(start), end=end, unobserved=True)
    if running:
        ledger.append("prober.gap", start=stamp(last_sign), end=stamp(now))
    return running and now - last_sign < STILL_THE_SAME_RUN
