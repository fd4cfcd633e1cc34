"""What a part may not reach, tried from inside its container: the engine, the controller, the other data
centre's store."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from on_docker import OnDocker

from testbed.inventory import Inventory

pytestmark = [
    pytest.mark.parametrize("runtime", ["docker"], indirect=True),
    pytest.mark.smoke("only containers are kept apart"),
]

SERVICES = ["frontend", "auth", "post", "retweet", "timeline", "notify"]
INSIDE = [f"{service}@{place}" for place in ("east", "west") for service in SERVICES]
OTHER = {"east": "west", "west": "east"}

# Runs inside: tells to which addresses a connection comes about, and how the controller answers.
PROBE = """
import http.client, json, os, socket, ssl, sys
from concurrent.futures import ThreadPoolExecutor

def reaches(address):
    try:
        socket.create_connection(address, 2).close()
    except OSError:
        return False
    return True

def controller_says(certificate):
    tls = ssl.create_default_context(cafile="/pki/ca.pem")
    if certificate:
        name = f"/pki/{os.environ['SERVICE']}-{os.environ['PLACE']}"
        tls.load_cert_chain(f"{name}.pem", f"{name}.key")
    try:
        connection = http.client.HTTPSConnection("chaos", 8000, timeout=2, context=tls)
        connection.request("POST", "/heal")
        return connection.getresponse().status
    except OSError as error:
        return type(error).__name__

addresses = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(addresses)) as together:
    reached = list(together.map(reaches, map(tuple, addresses)))
print(json.dumps({
    "reached": [address for address, yes in zip(addresses, reached) if yes],
    "sockets": [path for path in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(path)],
    "with certificate": controller_says(True),
    "without certificate": controller_says(False),
}))
"""


def seen_from(site: OnDocker, part: str, parts: Inventory) -> dict[str, Any]:
    place = part.partition("@")[2]
    rows = site.containers()
    networks = rows[part]["NetworkSettings"]["Networks"].values()
    hosts = [network["Gateway"] for network in networks if network["Gateway"]]
    forbidden = [[host, port] for host in ("host.docker.internal", *hosts) for port in (2375, 2376)]
    for name in ("store", "sentinel"):
        there = rows[f"{name}@{OTHER[place]}"]["NetworkSettings"]["Networks"].values()
        _, port = parts.part(f"{name}@{OTHER[place]}").address()
        forbidden += [[f"{name}-{OTHER[place]}", port], *([end["IPAddress"], port] for end in there)]
    own = [[f"{name}-{place}", parts.part(f"{name}@{place}").address()[1]] for name in ("store", "sentinel")]
    code, output = site.execute(part, "python", "-c", PROBE, json.dumps([*own, *forbidden]))
    assert code == 0, output
    return {"part": part, "own": own, **json.loads(output)}


def test_no_service_reaches_what_it_must_not(site: OnDocker) -> None:
    parts = site.as_chaos_sees_it().inventory
    with ThreadPoolExecutor(4) as together:
        for seen in together.map(lambda part: seen_from(site, part, parts), INSIDE):
            assert seen["reached"] == seen["own"], seen
            assert seen["sockets"] == [], seen
            assert seen["with certificate"] == 401, seen
            assert not isinstance(seen["without certificate"], int), seen


def test_only_the_controller_has_the_engines_socket(site: OnDocker) -> None:
    holders = [
        part
        for part, row in site.containers().items()
        if any(mount["Source"].endswith("docker.sock") for mount in row["Mounts"])
    ]
    assert holders == ["chaos"]


# Runs inside: the files with keys or passwords that whoever runs there can read.
LOOK = """
import os
names = {"session-keys.json", "token", "store", "replication", "sentinel"}
for folder, below, files in os.walk("/"):
    below[:] = [name for name in below if os.path.join(folder, name) not in ("/proc", "/sys", "/opt", "/usr")]
    for name in files:
        path = os.path.join(folder, name)
        if (name.endswith(".key") or name in names) and os.access(path, os.R_OK):
            print(path)
"""


@pytest.mark.parametrize(
    ("part", "own"),
    [
        ("prober", {"/pki/prober.key", "/instruments/token"}),
        (
            "post@west",
            {"/pki/post-west.key", *(f"/secrets/{name}" for name in ("session-keys.json", "store", "token"))},
        ),
    ],
)
def test_a_part_can_read_its_own_key_and_no_other(site: OnDocker, part: str, own: set[str]) -> None:
    code, output = site.execute(part, "python", "-c", LOOK)
    assert code == 0, output
    assert set(output.split()) == own


def test_the_store_knows_who_asks(site: OnDocker) -> None:
    for part, port in (("store@east", "6379"), ("sentinel@west", "26380")):
        code, output = site.execute(part, "redis-cli", "-p", port, "ping")
        assert (code, output.strip()) == (0, "PONG"), part
        _, output = site.execute(part, "redis-cli", "-p", port, "info")
        assert "NOPERM" in output, part
