"""What no container of the site may do, but for the exceptions that are named here."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from compose_file import FILE, SERVICES, mounts

EACH = pytest.mark.parametrize("name", SERVICES)
SOCKET = "/var/run/docker.sock"
FACES = ("frontend", "auth", "post", "retweet", "timeline", "notify", "maintenance")
"""The services."""

# Keys that take a barrier away. None is used anywhere.
FORBIDDEN = {
    *(
        "privileged",
        "devices",
        "device_cgroup_rules",
        "pid",
        "ipc",
        "uts",
        "userns_mode",
        "cgroup",
        "cgroup_parent",
    ),
    *("volumes_from", "extends", "env_file", "external_links", "group_add", "sysctls"),
}


@EACH
def test_holds_no_right_and_writes_nowhere(name: str) -> None:
    service = SERVICES[name]
    assert not FORBIDDEN & service.keys()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("network_mode") in (None, "none")
    # The controller must become the user that may use the engine's socket, and only the machine knows who.
    chaos = name == "chaos"
    assert set(service.get("cap_add", [])) == ({"SETUID", "SETGID"} if chaos else set())
    assert (service["user"] in ("0", "root", "0:0")) == chaos


@EACH
def test_has_limits(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert 0 < service["cpus"] <= 1  # an engine on one core refuses more
    assert service["pids_limit"] <= 256
    assert all("size=" in folder for folder in service["tmpfs"])


def test_the_memory_that_all_may_take_together_is_a_laptops() -> None:
    site = (service for name, service in SERVICES.items() if name not in ("grafana", "locust", "genesis"))
    assert sum(int(service["mem_limit"][:-1]) for service in site) < 6 * 1024


@EACH
def test_says_whether_it_is_well_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    if name == "genesis":  # ends when it is done
        assert service["restart"] == "no"
        return
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()


ONLY_STARTED = {("prober", "frontend-east"), ("prober", "frontend-west")}
"""Who bears with a part that is not well yet."""


@EACH
def test_starts_after_what_it_needs_is_well(name: str) -> None:
    needs = SERVICES[name].get("depends_on", {})
    for needed, how in needs.items():
        if (name, needed) in ONLY_STARTED:
            assert how["condition"] == "service_started"
            continue
        wanted = "service_completed_successfully" if needed == "genesis" else "service_healthy"
        assert how["condition"] == wanted, needed
    assert needs or name in ("genesis", "store-east", "link-east", "link-west")


def test_only_the_controller_has_the_engines_socket() -> None:
    assert [name for name in SERVICES for _, target, _ in mounts(name) if "docker" in target] == ["chaos"]
    assert [name for name in SERVICES for source, _, _ in mounts(name) if "DOCKER_SOCKET" in source] == [
        "chaos"
    ]
    assert (f"${{DOCKER_SOCKET:-{SOCKET}}}", SOCKET, False) in mounts("chaos")


@EACH
def test_sees_of_this_machine_only_the_repositorys_files_and_cannot_change_them(name: str) -> None:
    for source, target, read_only in mounts(name):
        if target == SOCKET:
            continue
        if source.startswith("."):
            assert read_only, source
            assert ".." not in source
        else:
            assert source in FILE["volumes"]


OWN_KEYS = [
    name
    for name, service in SERVICES.items()
    if service["labels"]["failwhale.service"] in (*FACES, "link", "prober", "prometheus", "alertmanager")
]
"""Who has a certificate, in a volume of its own."""

ISSUERS = {"genesis", "chaos", "maintenance-east", "maintenance-west"}
"""Who makes certificates, and renews them."""

# Volume, and who writes to it. Whoever else mounts it may only read.
WRITERS = {
    **dict.fromkeys(("pki", *(f"pki-{name}" for name in OWN_KEYS)), ISSUERS),
    "secrets": {"genesis", "chaos"},
    "access": {"genesis"},
    "operators": {"genesis"},
    "instruments": {"genesis"},
    "maintenance": {"genesis", "maintenance-east", "maintenance-west"},
    "record": {"chaos", "prober"},
    "releases": {"chaos"},
    "state": {"chaos"},
    "prometheus": {"genesis", "prometheus"},
    "rules": {"genesis", "prometheus", "chaos"},
    "silences": {"genesis", "alertmanager"},
    **{name: {name} for name in SERVICES if name.startswith(("store-", "sentinel-"))},
}


def test_a_volume_is_written_by_whose_it_is_and_every_one_is_used() -> None:
    assert set(FILE["volumes"]) == set(WRITERS)
    for volume, writers in WRITERS.items():
        assert {
            name
            for name in SERVICES
            for source, _, read_only in mounts(name)
            if source == volume and not read_only
        } == writers, volume


def test_secrets_are_seen_by_no_one_who_looks_or_uses() -> None:
    seeing = {name for name in SERVICES if "secrets" in _sources(name)}
    assert not seeing & {
        "grafana",
        "prometheus",
        "alertmanager",
        "prober",
        "locust",
        "link-east",
        "link-west",
    }
    assert not [name for name in seeing if name.startswith(("store-", "sentinel-"))]


def test_nobody_sees_the_key_of_another_part_or_of_the_authority() -> None:
    keys = {name: {source for source in _sources(name) if source.startswith("pki")} for name in SERVICES}
    all_of_them = {"pki", *(f"pki-{name}" for name in OWN_KEYS)}
    assert {name for name, seen in keys.items() if seen == all_of_them} == ISSUERS
    for name, seen in keys.items():
        if name not in (*ISSUERS, "locust"):
            assert seen == ({f"pki-{name}"} if name in OWN_KEYS else set()), name
    assert {name for name in SERVICES if "instruments" in _sources(name)} == {
        *("genesis", "prober", "link-east", "link-west"),
    }


def test_who_may_do_what_at_the_store_is_known_to_the_stores_and_to_nobody_else() -> None:
    stores = {name for name in SERVICES if name.startswith(("store-", "sentinel-"))}
    assert {name for name in SERVICES if "access" in _sources(name)} == {"genesis", *stores}
    assert {name for name in SERVICES if "operators" in _sources(name)} == {"genesis", "chaos"}
    upkeep = {"genesis", "maintenance-east", "maintenance-west"}
    assert {name for name in SERVICES if "maintenance" in _sources(name)} == upkeep


def test_the_load_can_read_no_key() -> None:
    # Keys are their owner's alone, and their owner is the site's user.
    users = {name: service["user"] for name, service in SERVICES.items() if "pki" in _sources(name)}
    assert {name for name, user in users.items() if user != "10001:10001"} == {"chaos", "locust"}


def _sources(name: str) -> Iterable[str]:
    return (source for source, _, _ in mounts(name))


@EACH
def test_publishes_on_loopback_only_at_a_port_that_can_be_chosen(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{FAILWHALE_[A-Z]+_PORT:-\d+\}:\d+", port), port


@EACH
def test_its_image_is_of_one_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image == "failwhale:1.0" or re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-[a-z]+)?", image), image
