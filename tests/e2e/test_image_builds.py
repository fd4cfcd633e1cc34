"""The image builds on a machine that has nothing but a clone: no file that git ignores, and either builder.

What is fetched while building is left out, since not every machine reaches the packages as a user does: every
other step of the Dockerfile is done.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from clone_under_test import clone_to
from engine_under_test import engine

IMAGE = "failwhale-e2e:without-packages"
BUILDERS = {
    "classic": ("docker", "build", "--tag", IMAGE, "."),
    "buildkit": ("docker", "compose", "build", "chaos"),
}
"""Compose brings a BuildKit client of its own; `docker build` needs a plugin for it."""


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A clone whose Dockerfile has no RUN, and whose image has a name of its own."""
    folder = clone_to(tmp_path / "clone", with_proxy=False)
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(re.sub(r"^RUN (.*\\\n)*.*\n", "", dockerfile.read_text(), flags=re.M))
    compose = folder / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("image: failwhale:1.0", f"image: {IMAGE}"))
    yield folder
    for image in engine().images.list(name=IMAGE):
        engine().images.remove(image.id, force=True)


@pytest.mark.docker
@pytest.mark.smoke("nothing else says that the image builds from a clone")
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("builder", BUILDERS)
def test_builds_from_a_clone(clone: Path, builder: str) -> None:
    assert not list((clone / "docker" / "proxy").glob("*.*")), "only what git knows"
    done = subprocess.run(
        BUILDERS[builder],
        cwd=clone,
        env={**os.environ, "DOCKER_BUILDKIT": str(int(builder == "buildkit"))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
    said = done.stdout + done.stderr
    for folder in ("services", "chaos", "outages", "loadtests", "failwhale"):
        assert f"COPY {folder}" in said
