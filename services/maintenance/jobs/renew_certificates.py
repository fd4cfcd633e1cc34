"""renew-certificates: every certificate of the site is renewed long before it ends."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from services.maintenance.job import Context, Job
from services.platform import pki
from services.platform.settings import Settings


class RenewCertificates(Job):
    name = "renew-certificates"
    every_days = 1.0
    grows: ClassVar[Mapping[str, str]] = {
        "certificate_least_days_left": "Lab days until the first certificate ends that lies in its folder."
    }

    async def run(self, context: Context) -> str:
        renewed = await asyncio.to_thread(pki.renew_due, _authority(context))
        return f"{', '.join(renewed) or 'none'} renewed"

    async def measure(self, context: Context) -> Mapping[str, float]:
        return {"certificate_least_days_left": await asyncio.to_thread(_least_days_left, context)}

    def is_for(self, settings: Settings) -> bool:
        return "AUTHORITY" in settings.extra


def _authority(context: Context) -> Path:
    return context.settings.folder("AUTHORITY")


def _least_days_left(context: Context) -> float:
    root, now = _authority(context), datetime.datetime.now(datetime.UTC)
    ends = (
        pki.read_certificate(pki.folder_of(root, name), name).not_valid_after_utc
        for name in pki.names_in(root)
    )
    return context.lab.days((min(ends) - now).total_seconds())
