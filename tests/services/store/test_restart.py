"""A store that is killed and comes back has all that it had acknowledged, and its users their few rights."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from services.platform import access
from services.platform.genesis import make_store_access
from testbed.runtimes.processes import programs

SCRIPT = Path(access.__file__).parents[1] / "store" / "redis.sh"
TWO_WRITES = "redis.call('SET', KEYS[1], 'a') redis.call('RPUSH', KEYS[2], 'b') return 1"
"""Redis writes them down as a transaction, like nearly everything that the site writes."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


class Store:
    """One store, started by its own script as on plain processes."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        make_store_access(*(folder / name for name in ("access", "secrets", "operators", "maintenance")))
        server = programs.find("redis-server", {})
        assert server is not None
        programs.write_links(folder / "bin", {"redis-server": server})

    def start(self) -> None:
        here = f"127.0.0.1:{self.port}"
        environment = {
            **os.environ,
            "PATH": f"{self._folder / 'bin'}:{os.environ['PATH']}",
            "LISTEN": here,
            "ANNOUNCE": here,
            "DATA": str(self._folder / "data"),
            "ACCESS": str(self._folder / "access"),
            "SENTINELS": f"127.0.0.1:{free_port()}",
            "STORE_NAME": "failwhale",
        }
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", str(SCRIPT)], env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self.client(None).ping, what="it says to anybody that it is alive")

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def client(self, user: str | None, folder: str = "operators") -> redis.Redis:
        password = (self._folder / folder / access.FILE).read_text().strip() if user else None
        return redis.Redis(port=self.port, username=user, password=password, socket_timeout=1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Store]]:
    store = Store(tmp_path)

    def begin() -> Store:
        store.kill()
        store.start()
        return store

    yield begin
    store.kill()


def test_nothing_acknowledged_is_lost_and_anybody_may_only_ask_whether_it_lives(
    start: Callable[[], Store],
) -> None:
    with start().client(access.SERVICE, "secrets") as service:
        assert service.eval(TWO_WRITES, 2, "one", "two") == 1
    for _ in range(2):
        store = start()
        with store.client(access.SERVICE, "secrets") as service:
            assert (service.get("one"), service.lrange("two", 0, -1)) == (b"a", [b"b"])
        with store.client(None) as anybody, pytest.raises(redis.exceptions.NoPermissionError):
            anybody.get("one")
        with store.client(access.CHAOS) as chaos:
            users = {"default", *access.AT_STORES}  # and nobody who gave anybody a right
            wait_until(lambda chaos=chaos, users=users: set(chaos.acl_users()) == users, what="its own users")
