"""What faults do to whom a part takes people for: its clock, its key, and the sessions that it has ended."""

from __future__ import annotations

import asyncio

from services.platform import wall_clock
from services.platform.injection.applied import AppliedFault
from services.platform.injection.spec import LONGEST_LEASE
from services.platform.site import Site


def mistake_people(site: Site) -> None:
    """Have the part obey these faults."""

    async def skew_clock(applied: AppliedFault) -> None:
        with wall_clock.set_ahead(applied.fault.ahead):
            await asyncio.Event().wait()

    async def change_key(applied: AppliedFault) -> None:
        with site.session_keys.with_another_secret():
            await asyncio.Event().wait()

    async def lose_sessions(applied: AppliedFault) -> None:
        try:
            while True:
                site.revocations.all_before = wall_clock.now()
                await asyncio.sleep(applied.fault.again or LONGEST_LEASE)
        finally:
            site.revocations.all_before = 0.0

    site.faults.on("clock-skew", skew_clock)
    site.faults.on("token-key-mismatch", change_key)
    site.faults.on("sessions-lost", lose_sessions)
