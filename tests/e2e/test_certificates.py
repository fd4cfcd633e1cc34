"""Certificates that are refused: strangers' tools see why, who is connected stays, and who has nothing to do
with it notices nothing."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from chromium_under_test import chromium
from playwright.sync_api import Browser, Error
from site_under_test import Site, wait_until

from foundation.clock import parse


def curl(site: Site) -> subprocess.CompletedProcess[str]:
    words = ["curl", "--silent", "--show-error", "--cacert", str(site.state / "pki" / "ca.pem")]
    return subprocess.run([*words, f"{site.edge('east')}/"], capture_output=True, text=True, timeout=10)


def openssl(site: Site) -> subprocess.CompletedProcess[str]:
    words = ["openssl", "s_client", "-CAfile", str(site.state / "pki" / "ca.pem"), "-verify_return_error"]
    words += ["-verify_hostname", "localhost"]
    return subprocess.run(
        [*words, "-connect", site.edge("east").removeprefix("https://")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
    )


FLAWS = {
    "certificate-expired": ("expired", "certificate has expired", "ERR_CERT_DATE_INVALID"),
    "certificate-not-yet-valid": ("not yet valid", "certificate is not yet valid", "ERR_CERT_DATE_INVALID"),
    "certificate-wrong-name": (
        "no alternative certificate subject name matches",
        "hostname mismatch",
        "ERR_CERT_COMMON_NAME_INVALID",
    ),
    "certificate-unknown-ca": (
        "unable to get local issuer certificate",
        "unable to get local issuer certificate",
        "ERR_CERT_AUTHORITY_INVALID",
    ),
}
"""What curl, OpenSSL and Chromium say of each."""


@pytest.fixture(scope="module")
def browser(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(site.state / "pki" / "ca.pem", tmp_path_factory.mktemp("home")) as browser:
        yield browser


@pytest.mark.parametrize("flaw", FLAWS)
def test_new_handshakes_fail_open_connections_go_on_and_no_restart_is_needed(
    site: Site, browser: Browser, flaw: str
) -> None:
    of_curl, of_openssl, of_chromium = FLAWS[flaw]
    life = site.life("frontend@east")
    assert curl(site).returncode == 0
    with site.client("east") as connected:
        assert connected.get("/").status_code == 200
        fault = site.json("chaos", flaw, "frontend@east", "--for=60s", "--detach")
        assert fault["verified"] is True
        assert connected.get("/").status_code == 200
        refused = curl(site)
        assert refused.returncode == 60, refused
        assert of_curl in refused.stderr
        seen = openssl(site)
        assert seen.returncode != 0
        assert of_openssl in (seen.stdout + seen.stderr).lower()
        with closing(browser.new_page()) as page, pytest.raises(Error, match=of_chromium):
            page.goto(site.edge("east"))
        with (
            site.client("east") as stranger,
            pytest.raises(httpx.ConnectError, match="certificate verify failed"),
        ):
            stranger.get("/")
    site.ok("chaos", "heal")
    assert curl(site).returncode == 0
    assert openssl(site).returncode == 0
    assert site.life("frontend@east") == life
    site.wait_green()


def presented(site: Site) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["presented_by"], row["endpoint"]): row for row in site.json("certificates")}


@pytest.mark.parametrize("runtime", ["processes"], indirect=True)
def test_an_internal_certificate_takes_the_journeys_of_its_service_and_no_others(site: Site) -> None:
    site.ok("chaos", "certificate-expired", "auth:all", "--for=90s", "--detach")
    hurt = {"login", "login-second-factor"}

    def down() -> set[str]:
        return {name for name, row in site.journeys().items() if row["state"] == "down"}

    # The two edges keep a connection for some seconds, and not for the same ones.
    wait_until(lambda: down() == hurt, 30, "nobody can log in, nor by two factors, and nothing else is down")
    site.ok("chaos", "heal")
    site.wait_green()


def test_nobody_notices_that_of_an_idle_standby_but_who_looks(site: Site) -> None:
    """Without users in the west its post service is called by nobody."""
    before = {name: row["failed"] for name, row in site.journeys().items()}
    fault = site.json("chaos", "certificate-expired", "post@west", "--for=60s", "--detach")
    assert fault["verified"] is True
    shown = presented(site)["post@west", "internal"]
    assert (shown["served"], shown["days_left"] < 0) == ("expired", True)
    assert presented(site)["post@east", "internal"]["served"] == "good"
    series = 'certificate_good{endpoint="internal",presented_by="post@west"} 0.0'

    def is_told() -> bool:
        with site.internal("chaos") as controller:
            return series in controller.get("/metrics").text.splitlines()

    wait_until(is_told, 30, "the controller tells it, by which an alert goes")
    assert {name: row["failed"] for name, row in site.journeys().items()} == before
    site.ok("chaos", "heal")


DAY = "500ms"
"""How long a lab day takes, so that ninety of them outlast the start of the site, and no more."""


@pytest.mark.long("ninety lab days pass")
@pytest.mark.parametrize("runtime", ["processes"], indirect=True)
def test_the_end_comes_to_the_second_and_renewal_needs_no_restart(
    new_site: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has renewed anything, as maintenance is down."""
    site = new_site()
    monkeypatch.setenv("FAILWHALE_DAY", DAY)
    site.ok("up", "--quiet", timeout=200)
    site.ok("chaos", "stop", "maintenance:all", "--for=10m", "--detach")
    edge = presented(site)["frontend@east", "public"]
    assert edge["served"] == "good"
    ends, life = parse(edge["not_after"]), site.life("frontend@east")
    with site.client("east") as connected:
        last_good = first_refused = 0.0
        why = ""
        while not first_refused:
            assert time.time() < ends + 5, "the certificate is good beyond its end"
            assert connected.get("/").status_code == 200
            before = time.time()
            try:
                with site.client("east") as stranger:
                    stranger.get("/")
                last_good = before
            except httpx.ConnectError as error:
                first_refused, why = time.time(), str(error)
            time.sleep(0.05)
        assert connected.get("/").status_code == 200, "who is connected goes on"
    print(f"good {ends - last_good:.3f} s before its end, refused {first_refused - ends:.3f} s after it")
    assert "certificate has expired" in why
    assert ends - 1 < last_good < ends + 1
    assert first_refused < ends + 1
    site.ok("certificates", "renew", "all")
    wait_until(lambda: curl(site).returncode == 0, 10, "a new handshake is good")
    assert site.life("frontend@east") == life
    site.wait_green(60)
    (outage, *_) = [
        row for row in site.json("outages") if row["journey"] == "handshake-east" and row["kind"] == "down"
    ]
    assert abs(parse(outage["start"]) - ends) < 1
    assert "certificate has expired" in outage["error"]
    assert site.ok("chaos", "heal")
