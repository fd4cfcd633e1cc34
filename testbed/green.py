"""When is a site well? When every journey of its users is green, as the prober sees it.

`python -m testbed.green SECONDS` waits for that in the controller's container, and tells how it goes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from foundation.failure import Failure
from foundation.state import State
from testbed.sitefile import SiteFile

POLL_SECONDS = 0.03


def wait_until_green(site: State, limit: float, note: Callable[[str], None]) -> bool:
    """Until the prober has seen every journey succeed; False without a prober. `limit` is of the monotonic
    clock. Raises Failure that names the others."""
    if not any(row.service == "prober" for row in SiteFile.read(site).parts):
        return False
    from testbed.instruments import journeys_now

    while True:
        journeys = journeys_now(site)
        others = [name for name, row in journeys.items() if row["state"] != "green"]
        if journeys and not others:
            return True
        note(f"{len(journeys) - len(others)} of {len(journeys)} journeys green")
        if time.monotonic() > limit:
            broken = [name for name in others if journeys[name]["state"] != "unknown"]
            named = ", ".join(broken or others) or "all, the prober is silent"
            raise Failure(f"not green in time: {named}", "see: failwhale outages; failwhale logs prober")
        time.sleep(POLL_SECONDS)


def main(seconds: float) -> None:
    """Wait; exit code 0 when all is green."""
    told = ""

    def tell(line: str) -> None:
        nonlocal told
        if line != told:
            print(line, flush=True)
            told = line

    try:
        wait_until_green(State.from_environment(), time.monotonic() + seconds, tell)
    except Failure as failure:
        sys.exit(f"failwhale: {failure.message}\n  {failure.next_step}")


if __name__ == "__main__":
    main(float(sys.argv[1]))
