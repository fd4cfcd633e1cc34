"""A number of likes that is wrong is seen from outside, and hurts no journey."""

from __future__ import annotations

from math import isnan

from fake_site import FakeSite, Problem
from prober_under_test import Running, until


def unavailable() -> None:
    raise Problem(503)


async def test_a_wrong_number_of_likes_is_seen(site: FakeSite, running: Running) -> None:
    def told() -> str:
        lines = running.prober.expose().decode().splitlines()
        return next(line.split()[1] for line in lines if line.startswith("prober_likes_error "))

    await until(lambda: told() == "0.0", "the right number")
    site.likes_error = 1000
    await until(lambda: told() == "1000.0", "the wrong number")
    assert running.not_green() == set()
    with site.fault("PUT /posts/.*/like", unavailable):
        await until(lambda: isnan(float(told())), "nobody to say")
    site.likes_error = 0
    await until(lambda: told() == "0.0", "the right number again")
