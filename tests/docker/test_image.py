"""What goes into the site's image, by its Dockerfile."""

from __future__ import annotations

import re

from compose_file import REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
BUILD, IMAGE = re.split(r"^FROM .*$", DOCKERFILE, flags=re.M)[1:]


def test_both_stages_stand_on_one_version_of_one_base() -> None:
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.M) == ["${PYTHON_IMAGE}"] * 2
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.11\.\d+-slim-[a-z]+$", DOCKERFILE, re.M)


def test_only_locked_wheels_are_installed() -> None:
    assert "--require-hashes --requirement proxy/requirements.lock" in BUILD
    assert "--only-binary :all:" in BUILD
    assert not re.search(r"\bADD\b|\bcurl\b|\bwget\b|apt-get", DOCKERFILE)


def test_what_is_used_behind_a_proxy_is_in_no_layer_of_the_image() -> None:
    assert "proxy" not in IMAGE
    assert re.findall(r"^COPY (.*)$", IMAGE, re.M) == ["--from=build /opt/failwhale /opt/failwhale"]
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()
    assert [line for line in ignored if "proxy" in line] == ["docker/proxy/*", "!docker/proxy/README"]


def test_runs_as_nobody_in_particular() -> None:
    assert re.findall(r"^USER (.*)$", IMAGE, re.M) == ["10001:10001"]


def test_only_what_is_copied_is_sent_to_the_builder() -> None:
    sent = [line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line[:1] == "!"]
    copied = [word for line in re.findall(r"^COPY (.*) \S+$", BUILD, re.M) for word in line.split()]
    assert sorted(sent) == sorted(word.rstrip("/") for word in copied)
