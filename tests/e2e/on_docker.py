"""The site under test on Docker: by the command on the host, and its containers by the engine."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from docker.errors import APIError
from engine_under_test import IMAGE, engine, left_of, remove_all_of
from site_under_test import Site, wait_until

from foundation.state import State
from testbed.labels import part_name
from testbed.runtimes.docker.project import project_of
from testbed.site import Site as SiteOfChaos
from testbed.sitefile import SiteFile

USER = "10001:10001"
"""Who the parts run as, and who may read what they keep."""


class OnDocker(Site):
    runtime = "docker"

    @property
    def project(self) -> str:
        """The Compose project of this site; known before it is up, and when that failed half-way."""
        return project_of(State(self.state))

    # --- containers ---

    def containers(self) -> dict[str, dict[str, Any]]:
        """Every container of the site by the name of its part, as the engine lists it."""
        rows = engine().api.containers(
            all=True, filters={"label": f"com.docker.compose.project={self.project}"}
        )
        return {part_of(row["Labels"]): row for row in rows}

    def container(self, part: str) -> dict[str, Any]:
        """One container in full detail."""
        return dict(engine().api.inspect_container(self.containers()[part]["Id"]))

    def execute(self, part: str, *words: str, user: str = USER) -> tuple[int, str]:
        """Run a command in the part's container; returns its exit code and all that it printed."""
        container = engine().containers.get(self.containers()[part]["Id"])
        code, output = container.exec_run(list(words), user=user)
        return int(code), output.decode(errors="replace")

    def address(self, part: str) -> str:
        rows = self.containers()
        if part not in rows:
            raise ConnectionError(f"{part} has no container")
        return f"{self._ip(rows[part])}:8000"

    def _ip(self, row: dict[str, Any]) -> str:
        """Of a container, on the network that all share if it is on that; from here any can be reached."""
        networks = row["NetworkSettings"]["Networks"]
        shared = networks.get(f"{self.project}_edge") or next(iter(networks.values()), {"IPAddress": ""})
        return str(shared["IPAddress"])

    # --- files ---

    def read(self, path: str) -> str:
        file = f"/state/{path}"

        def content() -> tuple[str] | None:
            try:
                code, text = self.execute("chaos", "sh", "-c", f"test ! -e {file} || cat {file}")
            except APIError:  # it was killed, and its successor is not there yet
                return None
            return (text,) if code == 0 else None

        return str(wait_until(content, 20, f"{file} read in the controller's container")[0])

    def remove_journal(self) -> None:
        code, output = self.execute("chaos", "rm", "/state/chaos/journal.ndjson")
        assert code == 0, output

    def credentials(self) -> Path:
        folder = self.state.parent / f"{self.state.name}-operators"
        if not folder.exists():
            for name in (
                "pki/ca.pem",
                "pki/client.pem",
                "pki/client.key",
                "secrets/token",
                "operators/store",
            ):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(self.read(name))
        return folder

    # --- what carries it ---

    @cached_property
    def _site_inside(self) -> SiteFile:
        """site.json as the controller has it; that does not change while the site is up."""
        return SiteFile.of(json.loads(self.read("site.json")), Path("site.json"))

    def as_chaos_sees_it(self) -> SiteOfChaos:
        """By the containers' addresses, since their names mean nothing on this machine. Sentinels go on to
        call a store by its name, so that is kept beside."""
        rows = self.containers()
        parts = []
        for part in self._site_inside.parts:
            ip = self._ip(rows[part.name])
            reached = {port: f"{ip}:{port}" for port in part.addresses}
            named = {f"{port} by name": address for port, address in part.addresses.items()}
            parts.append(replace(part, addresses=reached | named))
        state = State(self.credentials())
        replace(self._site_inside, parts=tuple(parts)).write(state)
        return SiteOfChaos(state)

    def life(self, part: str) -> str:
        state = self.container(part)["State"]
        return str(state["StartedAt"]) if state["Running"] else ""

    def sigkill(self, part: str) -> None:
        """Not by the engine's own kill, which it takes for an order that the container be down."""
        kill = f"import os; os.kill({self.container(part)['State']['Pid']}, 9)"
        engine().containers.run(IMAGE, ["python", "-c", kill], user="0:0", pid_mode="host", remove=True)

    def sigkill_all_keepers(self) -> None:
        """There is none but the controller, and what the engine itself kills stays down."""
        engine().api.kill(self.containers()["chaos"]["Id"], "SIGKILL")

    def left(self) -> list[str]:
        return super().left() + left_of(self.project)

    def remove_leftovers(self) -> list[str]:
        return super().remove_leftovers() + remove_all_of(self.project)


def part_of(labels: dict[str, str]) -> str:
    """The name of a container's part: `post@east`."""
    return part_name(labels["failwhale.service"], labels.get("failwhale.place"))
