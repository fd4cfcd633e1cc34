"""Certificates are renewed while a third of their life is left, and a part that runs shows the new one."""

from __future__ import annotations

import dataclasses
import datetime
import ssl

from over_tls import Connection, hello, serving

from services.maintenance.job import Context
from services.maintenance.jobs.renew_certificates import RenewCertificates
from services.platform import pki
from services.platform.genesis import make_certificates
from services.platform.tls import Credentials


async def test_what_is_due_is_renewed_and_what_is_not_is_kept(context: Context) -> None:
    root = context.settings.folder("MAINTENANCE") / "pki"
    extra = {**context.settings.extra, "AUTHORITY": str(root)}
    context = dataclasses.replace(context, settings=dataclasses.replace(context.settings, extra=extra))
    root.mkdir()
    pki.keep_lab_time(root, context.lab)
    make_certificates(root, ["chaos"], ["post-east", "auth-east"])
    job = RenewCertificates()
    assert job.is_for(context.settings)
    assert (await job.measure(context))["certificate_least_days_left"] > 85
    assert await job.run(context) == "none renewed"

    def left(days: float) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=context.lab.seconds(days))

    pki.issue("auth-east", not_after=left(35), ca=pki.load_authority(root)).install(
        root / "auth-east", "auth-east"
    )
    pki.issue("post-east", not_after=left(25), ca=pki.load_authority(root)).install(
        root / "post-east", "post-east"
    )
    credentials = Credentials(root / "post-east", "post-east")
    trusting = ssl.create_default_context(cafile=str(root / "post-east" / "ca.pem"))
    async with serving(hello, credentials) as (server, _, public):
        connected = await Connection.open(public, trusting)
        assert 20 < (await job.measure(context))["certificate_least_days_left"] <= 25
        assert await job.run(context) == "post-east renewed"
        server.tick()
        renewed = await Connection.open(public, trusting)
        assert renewed.serial_number() != connected.serial_number()
        assert await connected.get() == 200
        assert await renewed.get() == 200
    assert 30 < (await job.measure(context))["certificate_least_days_left"] <= 35


def test_where_no_authority_is_there_is_nothing_to_do(context: Context) -> None:
    assert not RenewCertificates().is_for(context.settings)
