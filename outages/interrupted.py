"""What a prober finds in the ledger that one before it could not finish."""

from __future__ import annotations

from outages.clock import parse, stamp
from outages.ledger import Ledger, Record

STILL_THE_SAME_RUN = 60.0
"""Seconds: a prober that was away for longer finds a site that may have been started anew."""

ITS_OWN = ("attempt.", "outage.", "tally", "prober.", "cast.")
"""Kinds of record that a living prober writes."""


def close_what_was_left_open(ledger: Ledger, now: float) -> bool:
    """Close outages that no prober saw the end of, as unobserved; True when the last prober was
    killed just now.

    Such an outage ends, for the record, at the last sign of life of the prober that saw it; from then
    on nobody looked. A killed prober leaves a `prober.gap` record over that time.
    """
    left_open: dict[tuple[str, str], Record] = {}
    last_sign, running = "", False
    for record in ledger.read():
        kind = record["kind"]
        if kind.startswith(ITS_OWN):
            last_sign = record["at"]
        if kind in ("prober.started", "prober.stopped"):
            running = kind == "prober.started"
        elif kind == "outage.opened":
            left_open[record["journey"], record["type"]] = record
        elif kind == "outage.closed":
            left_open.pop((record["journey"], record["type"]), None)
    for record in left_open.values():
        fields = {key: record[key] for key in ("journey", "type", "start", "attempts", "failed", "error")}
        end = max(parse(last_sign), parse(record["start"]))
        ledger.append("outage.closed", **fields, end=stamp(end), unobserved=True)
    if running:
        ledger.append("prober.gap", start=last_sign, end=stamp(now))
    return running and now - parse(last_sign) < STILL_THE_SAME_RUN
