"""The runtime on Docker: each verb is a call or two to the engine, about the container of one part."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore

from foundation.clock import parse
from foundation.failure import USAGE, Failure
from foundation.state import State
from foundation.suggestions import unknown
from testbed.endpoints import Endpoints
from testbed.inventory import Part
from testbed.runtimes import Executed, PartStatus, Undo, Usage
from testbed.runtimes.docker import sitefile, traffic_control
from testbed.runtimes.docker.connection import (
    AT_ONCE,
    EngineConnection,
    EngineRefused,
    Json,
    Vanished,
    connection_to,
)
from testbed.runtimes.docker.host import CONTROLLER
from testbed.runtimes.docker.traffic_control import TRY_NETEM
from testbed.sitefile import ContainerRecord, PartRecord, SiteFile

NANO = 1_000_000_000

STARTS_AT_ONCE = max(2, os.cpu_count() or 2)
"""A start takes a processor for a second or two. A data centre that comes back all at once takes them all
for many seconds, from those who serve meanwhile, and users have a second outage."""
UNDER_WAY_SECONDS = 3.0
"""For so long at most is a part that starts waited for, before the next one does."""
LOOK_SECONDS = 0.1


class Docker:
    """The site as containers. Implements Runtime, Networks, Packets and Exec of testbed.runtimes."""

    name = "docker"

    def __init__(self, state: State, connection: EngineConnection | None = None) -> None:
        """Raises Failure when the engine does not answer, and on the Docker host: there commands are run in
        the site's container. `connection` is for tests."""
        self._state = state
        docker = SiteFile.read(state).as_containers
        if docker.through is not None:
            raise Failure(
                f"the parts of the site in {state.path} are reached from its container {docker.through} only",
                "ask there: docker compose exec chaos failwhale ...",
            )
        self._project = docker.project
        self._engine = connection or connection_to(docker.engine)
        self._site = sitefile.refresh(state, self._engine, self._project)
        self._starts = BoundedSemaphore(STARTS_AT_ONCE)

    # --- what there is ---

    def status(self) -> list[PartStatus]:
        site = Endpoints(self._state)
        parts = site.inventory.parts
        with ThreadPoolExecutor(AT_ONCE) as together:
            # Engines count memory once a second, and some let whoever asks wait for it: asked together, and
            # before all else, they wait once.
            memory = [together.submit(self._memory, part.name) for part in parts]
            return list(together.map(lambda part, used: self._status(site, part, used), parts, memory))

    def _memory(self, part: str) -> int | None:
        used = self._engine.usage(self._container(part))
        return None if used is None else used[1]

    def _status(self, site: Endpoints, part: Part, memory: Future[int | None]) -> PartStatus:
        seen = self._look(part.name)
        running = _is_running(seen)
        return PartStatus(
            name=part.name,
            service=part.service,
            place=part.place,
            role=site.store_role(part) if part.kind == "store" and running else None,
            pid=None,
            container=self._container(part.name),
            address=part.addresses.get(part.main) if part.main else None,
            running=running,
            paused=_is_paused(seen),
            ready=running and site.ready(part),
            release=self._seen(part.name).release,
            memory_bytes=memory.result() if running else None,
            restarts=seen["RestartCount"],
        )

    def is_running(self, part: str) -> bool:
        return _is_running(self._look(part))

    def is_paused(self, part: str) -> bool:
        return _is_paused(self._look(part))

    def age(self, part: str) -> float:
        seen = self._look(part)
        if not _is_running(seen):
            raise Failure(f"{part} is not running", "see: failwhale status")
        return time.time() - parse(seen["State"]["StartedAt"])

    def restarts(self, part: str) -> int:
        return int(self._look(part)["RestartCount"])

    def usage(self, part: str) -> Usage:
        seen = self._look(part)
        used = self._engine.usage(seen["Id"]) if _is_running(seen) else None
        if used is None:
            raise Failure(f"{part} is not running", "see: failwhale status")
        return Usage(*used, memory_limit=sitefile.limits(seen)["Memory"] or None)

    # --- promises ---

    def arm(self, lease: str, part: str, undo: Undo, seconds: float) -> None:
        """Nothing is kept: Docker restarts a controller that dies, and its journal is the promise."""

    def disarm(self, lease: str) -> None:
        """Nothing was kept."""

    # --- the process ---

    def kill(self, part: str) -> None:
        """What is killed by order Docker does not restart, unlike what dies by itself."""
        self._bring(part, _is_down, self._engine.kill)

    def start(self, part: str) -> None:
        with self._starts:
            if not self.is_running(part):
                self._bring(part, _is_running, self._engine.start)
                self._let_start(part)

    def _let_start(self, part: str) -> None:
        """Wait until somebody listens there, and no longer than the next one should."""
        endpoints = Endpoints(self._state)
        until = time.monotonic() + UNDER_WAY_SECONDS
        while time.monotonic() < until:
            if endpoints.accepts_connections(endpoints.inventory.part(part)) or not self.is_running(part):
                return
            time.sleep(LOOK_SECONDS)

    def stop(self, part: str) -> None:
        self._bring(part, _is_down, self._engine.stop)

    def restart(self, part: str) -> None:
        self._refuse_controller(part)
        self._engine.restart(self._look(part)["Id"])

    def reload(self, part: str) -> None:
        """From inside: to Docker a signal from outside is an order to end, after which it restarts nobody."""
        seen = self._look(part)
        if _is_running(seen):
            self._engine.execute(seen["Id"], ["sh", "-c", "kill -HUP 1"])

    def pause(self, part: str) -> None:
        """Freeze it (the kernel's freezer). Nothing happens to a part that is down."""
        self._bring(part, lambda seen: _is_paused(seen) or not _is_running(seen), self._engine.pause)

    def resume(self, part: str) -> None:
        self._bring(part, lambda seen: not _is_paused(seen), self._engine.resume)

    def _bring(self, part: str, is_so: Callable[[Json], bool], act: Callable[[str], None]) -> None:
        """Act unless it is so already. A refusal counts only if it is not so afterwards."""
        self._refuse_controller(part)
        seen = self._look(part)
        if is_so(seen):
            return
        try:
            act(seen["Id"])
        except EngineRefused:
            if not is_so(self._look(part)):
                raise

    @staticmethod
    def _refuse_controller(part: str) -> None:
        if part == CONTROLLER:
            raise Failure(
                "the controller cannot be ended or frozen from inside its own container",
                "on the host: docker compose restart chaos; then: failwhale chaos heal",
            )

    # --- the networks ---

    def cut(self, part: str, keep: Collection[str] = ()) -> None:
        seen = self._look(part)
        for network in self._aliases(seen):
            if network not in keep:
                self._disconnect(part, seen, network)

    def join(self, part: str) -> None:
        seen = self._look(part)
        for network in self._missing(part, seen):
            if network in self._aliases(seen):  # under other names, as Docker does with what is on no network
                self._disconnect(part, seen, network)
            self._connect(part, seen, network)

    def is_cut(self, part: str) -> bool:
        return bool(self._missing(part, self._look(part)))

    def _aliases(self, seen: Json) -> dict[str, tuple[str, ...]]:
        return sitefile.aliases(seen, self._networks)

    def _missing(self, part: str, seen: Json) -> list[str]:
        """The networks that it should be on, and is not, or not under all its names."""
        now = self._aliases(seen)
        wanted = self._seen(part).networks.items()
        return [name for name, aliases in wanted if name not in now or not set(aliases) <= set(now[name])]

    def _disconnect(self, part: str, seen: Json, network: str) -> None:
        try:
            self._engine.disconnect(seen["Id"], self._name_of(network))
        except EngineRefused:
            if network in self._aliases(self._look(part)):
                raise

    def _connect(self, part: str, seen: Json, network: str) -> None:
        try:
            aliases = list(self._seen(part).networks[network])
            self._engine.connect(seen["Id"], self._name_of(network), aliases)
        except EngineRefused:
            if network in self._missing(part, self._look(part)):
                raise

    def _name_of(self, network: str) -> str:
        return self._networks.get(network, network)

    @property
    def _networks(self) -> Mapping[str, str]:
        """The engine's name of each network by its name in the compose file."""
        return self._site.as_containers.networks or {}

    # --- the processor ---

    def starve(self, lease: str, part: str, share: float, seconds: float) -> None:
        """No promise is kept, as with `arm`."""
        seen = self._look(part)
        if not self._seen(part).limits["NanoCpus"]:
            raise Failure(f"{part} has no limit of its own, and Docker could not take one away again")
        self._engine.update(seen["Id"], {"NanoCpus": round(share * NANO)})

    def feed(self, part: str) -> None:
        if self.is_starved(part):
            self._engine.update(self._look(part)["Id"], {"NanoCpus": self._seen(part).limits["NanoCpus"]})

    def is_starved(self, part: str) -> bool:
        return sitefile.limits(self._look(part)) != self._seen(part).limits

    def held_back(self, part: str, meanwhile: Callable[[], None]) -> float:
        container = self._look(part)["Id"]
        before = self._engine.held_back(container)
        meanwhile()
        return self._engine.held_back(container) - before

    # --- open files ---

    def limit_files(self, part: str, most: int) -> None:
        self._in_shell(part, f"prlimit --pid 1 --nofile={most}:")

    def allow_files(self, part: str) -> None:
        if self.is_running(part):
            self._in_shell(part, "prlimit --pid 1 --nofile=$(ulimit -Sn):")

    def lacks_files(self, part: str) -> bool:
        """What is run in its container has the limits that the part had at first."""
        if not self.is_running(part):
            return False
        said = self._in_shell(part, "prlimit --pid 1 --nofile --raw --noheadings -o SOFT; ulimit -Sn")
        now, usual = map(int, said.split())
        return now < usual

    def fill_disk(self, part: str) -> None:
        self._in_shell(part, "prlimit --pid 1 --fsize=0:")

    def clear_disk(self, part: str) -> None:
        if self.is_disk_full(part):
            self._in_shell(part, "prlimit --pid 1 --fsize=$(ulimit -Sf):")

    def is_disk_full(self, part: str) -> bool:
        if not self.is_running(part) or self.is_paused(part):
            return False
        return self._in_shell(part, "prlimit --pid 1 --fsize --raw --noheadings -o SOFT").strip() == "0"

    def _in_shell(self, part: str, line: str) -> str:
        done = self.execute(part, ["sh", "-c", line])
        if done.code != 0:
            raise Failure(f"{part} refuses other limits: {done.output.strip()}")
        return done.output

    # --- the packets ---

    def disturb(self, part: str, wanted: Mapping[str, float]) -> None:
        """By a container of a moment on the part's network, with the one right that this needs. It stays,
        ended, as the mark that this was done."""
        self._engine.remove(self._mark(part))
        code, said = self._beside(part, wanted, self._mark(part))
        if code != 0:
            self._engine.remove(self._mark(part))
            raise Failure(f"the packets of {part} cannot be hurt: {said}")

    def try_netem(self, part: str) -> None:
        code, said = self._passing(part, TRY_NETEM)
        if code != 0:
            raise Failure(
                f"the kernel of this machine cannot do that to the packets of {part} ({said})",
                "one with netem can; packet-loss and bandwidth need none",
                USAGE,
            )

    def leave_alone(self, part: str) -> None:
        """With the part its network has gone, and all that was done to it."""
        if self._engine.made(self._mark(part)) is None:
            return
        if self.is_running(part):
            code, said = self._passing(part, {})
            if code != 0:
                raise Failure(f"the packets of {part} are still hurt: {said}")
        self._engine.remove(self._mark(part))

    def are_disturbed(self, part: str) -> bool:
        marked = self._engine.made(self._mark(part))
        return marked is not None and parse(self._look(part)["State"]["StartedAt"]) < marked

    def _mark(self, part: str) -> str:
        return f"{self._project}-packets-{part.replace('@', '-')}"

    def _passing(self, part: str, wanted: Mapping[str, float]) -> tuple[int, str]:
        """By a container that does not stay."""
        name = f"{self._mark(part)}-passing"
        self._engine.remove(name)
        try:
            return self._beside(part, wanted, name)
        finally:
            self._engine.remove(name)

    def _beside(self, part: str, wanted: Mapping[str, float], name: str) -> tuple[int, str]:
        """From the controller's image, which is there wherever a site is."""
        image = self._engine.container(self._container(CONTROLLER))["Image"]
        words = ["python", "-m", traffic_control.__name__, json.dumps(dict(wanted))]
        return self._engine.run_beside(self._look(part)["Id"], name, image, words, self._project)

    # --- inside ---

    def execute(self, part: str, words: list[str]) -> Executed:
        """Run a command in its container. A part that is down or frozen cannot: Failure."""
        return Executed(*self._engine.execute(self._look(part)["Id"], words))

    # --- looking ---

    def _row(self, part: str) -> PartRecord:
        """What site.json remembers of a part."""
        for row in self._site.parts:
            if row.name == part:
                return row
        raise unknown("part", part, (row.name for row in self._site.parts))

    def _container(self, part: str) -> str:
        container = self._row(part).container
        assert container is not None
        return container

    def _seen(self, part: str) -> ContainerRecord:
        """Its container as it is while nobody has hurt it."""
        seen = self._row(part).seen
        assert seen is not None
        return seen

    def _look(self, part: str) -> Json:
        """The part's container as it is now, also one that was made anew meanwhile."""
        try:
            seen = self._engine.container(self._container(part))
            if seen["Id"] == self._seen(part).id:
                return seen
        except Vanished:
            pass
        self._site = sitefile.refresh(self._state, self._engine, self._project)
        if part not in (row.name for row in self._site.parts):
            raise Vanished(f"the container of {part} is gone", "make it anew: docker compose up -d")
        return self._engine.container(self._container(part))


def _is_running(seen: Json) -> bool:
    """Whether its process exists. Docker also calls running what waits for its restart."""
    state = seen["State"]
    return bool(state["Running"] and not state["Restarting"])


def _is_paused(seen: Json) -> bool:
    return bool(seen["State"]["Paused"])


def _is_down(seen: Json) -> bool:
    return not seen["State"]["Running"]
