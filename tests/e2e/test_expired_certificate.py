"""An edge shows a certificate that has expired: strangers' tools see it, and who is connected stays."""

from __future__ import annotations

import subprocess

import httpx
import pytest
from site_under_test import Site


def curl(site: Site) -> subprocess.CompletedProcess[str]:
    words = ["curl", "--silent", "--show-error", "--cacert", str(site.state / "pki" / "ca.pem")]
    return subprocess.run([*words, f"{site.edge('east')}/"], capture_output=True, text=True, timeout=10)


def openssl(site: Site) -> subprocess.CompletedProcess[str]:
    words = ["openssl", "s_client", "-CAfile", str(site.state / "pki" / "ca.pem"), "-verify_return_error"]
    return subprocess.run(
        [*words, "-connect", site.edge("east").removeprefix("https://")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
    )


def test_new_handshakes_fail_open_connections_go_on_and_no_restart_is_needed(site: Site) -> None:
    life = site.life("frontend@east")
    assert curl(site).returncode == 0
    with site.client("east") as connected:
        assert connected.get("/").status_code == 200
        fault = site.json("chaos", "certificate-expired", "frontend@east", "--for=60s", "--detach")
        assert fault["verified"] is True
        assert connected.get("/").status_code == 200
        refused = curl(site)
        assert refused.returncode == 60, refused
        assert "expired" in refused.stderr
        seen = openssl(site)
        assert seen.returncode != 0
        assert "certificate has expired" in seen.stdout + seen.stderr
        with site.client("east") as stranger, pytest.raises(httpx.ConnectError, match="expired"):
            stranger.get("/")
    site.ok("chaos", "heal")
    assert curl(site).returncode == 0
    assert openssl(site).returncode == 0
    assert site.life("frontend@east") == life
    site.wait_green()
