"""Real sockets: who gets in, which certificate they see, and how a process ends."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from over_tls import Connection, client_context, hello, serving

from services.platform import genesis, pki
from services.platform.app import build
from services.platform.injection.spec import FaultSpec
from services.platform.settings import Address, Settings
from services.platform.tls import Credentials, credentials_of

Refused = (ssl.SSLError, OSError, asyncio.IncompleteReadError)


async def test_only_the_sites_own_parts_get_in(folder: Path) -> None:
    stranger = pki.issue("stranger")
    stranger.install(folder, "stranger")
    expired = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    pki.issue("late", not_after=expired, ca=pki.load_authority(folder)).install(folder, "late")
    async with serving(hello, Credentials(folder, "post-east")) as (_, internal, public):
        assert await (await Connection.open(internal, client_context(folder))).get() == 200
        for name in (None, "stranger", "late"):
            with pytest.raises(Refused):
                await (await Connection.open(internal, client_context(folder, name))).get()
        assert await (await Connection.open(public, client_context(folder, None))).get() == 200


async def test_nothing_below_tls_1_3(folder: Path) -> None:
    old = client_context(folder)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(hello, Credentials(folder, "post-east")) as (_, internal, public):
        for address in (internal, public):
            with pytest.raises(Refused):
                await Connection.open(address, old)


async def test_a_new_certificate_is_shown_without_a_restart(folder: Path) -> None:
    async with serving(hello, Credentials(folder, "post-east")) as (server, internal, public):
        before = await Connection.open(internal, client_context(folder))
        pki.issue("post-east", ca=pki.load_authority(folder)).install(folder, "post-east")
        server.tick()
        after = await Connection.open(internal, client_context(folder))
        assert after.serial_number() != before.serial_number()
        on_public = await Connection.open(public, client_context(folder, None))
        assert on_public.serial_number() == after.serial_number()
        assert await before.get() == await after.get() == 200, "open connections go on"


async def test_an_expired_certificate_hurts_new_connections_alone(folder: Path) -> None:
    authority = pki.load_authority(folder)
    soon = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    async with serving(hello, Credentials(folder, "post-east")) as (server, internal, _):
        kept = await Connection.open(internal, client_context(folder))
        pki.issue("post-east", not_after=soon, ca=authority).install(folder, "post-east")
        server.tick()
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            await Connection.open(internal, client_context(folder))
        assert await kept.get() == 200
        assert genesis.make_certificates(folder, ["post-east"]) == ["post-east"]
        server.tick()
        assert await (await Connection.open(internal, client_context(folder))).get() == 200


async def test_a_certificate_of_another_authority(folder: Path) -> None:
    async with serving(hello, Credentials(folder, "post-east")) as (server, internal, _):
        pki.issue("post-east").install(folder, "post-east")
        server.tick()
        with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
            await Connection.open(internal, client_context(folder))


async def test_whom_a_part_trusts_changes_without_a_restart_on_both_sides(folder: Path) -> None:
    ours, caller = Credentials(folder, "post-east"), Credentials(folder, "prober")
    old, new = pki.load_authority(folder), pki.new_authority("the next one")
    async with serving(hello, ours) as (server, internal, _public):

        async def calls() -> int:
            server.tick()
            caller.refresh()
            return await (await Connection.open(internal, caller.client)).get()

        assert await calls() == 200
        pki.trust(folder, [old.certificate, new.certificate])
        pki.issue("post-east", ca=new).install(folder, "post-east")
        assert await calls() == 200
        pki.trust(folder, [new.certificate])
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await calls()  # the caller's own is of the old one, which the other side trusts no more
        pki.issue("prober", ca=new).install(folder, "prober")
        assert await calls() == 200
        pki.trust(folder, [old.certificate])
        with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
            await calls()


@pytest.mark.parametrize("damage", ["key of another", "half a file", "gone"])
async def test_files_that_do_not_fit_change_nothing(folder: Path, damage: str) -> None:
    credentials = Credentials(folder, "post-east")
    async with serving(hello, credentials) as (_, internal, _public):
        match damage:
            case "key of another":
                (folder / "post-east.key").write_bytes((folder / "prober.key").read_bytes())
            case "half a file":
                (folder / "post-east.pem").write_bytes((folder / "post-east.pem").read_bytes()[:200])
            case "gone":
                (folder / "post-east.pem").unlink()
        assert not credentials.refresh()
        assert await (await Connection.open(internal, client_context(folder))).get() == 200
        pki.issue("post-east", ca=pki.load_authority(folder)).install(folder, "post-east")
        assert credentials.refresh()
        assert not credentials.refresh(), "only when something has changed"


async def test_calls_show_the_certificate_too(folder: Path) -> None:
    credentials = Credentials(folder, "prober")
    async with serving(hello, Credentials(folder, "post-east")) as (_, internal, _public):
        assert await (await Connection.open(internal, credentials.client)).get() == 200
        pki.issue("prober").install(folder, "prober")
        assert credentials.refresh()
        with pytest.raises(Refused):
            await (await Connection.open(internal, credentials.client)).get()


def test_one_set_of_contexts_for_a_process(folder: Path) -> None:
    settings = Settings("post", Address("127.0.0.1", 0), folder, folder, place="east")
    assert credentials_of(settings) is credentials_of(settings)
    assert credentials_of(settings).internal is credentials_of(settings).internal


async def test_what_is_not_http_gets_a_problem(folder: Path) -> None:
    async with serving(hello, Credentials(folder, "post-east")) as (_, internal, _public):
        connection = await Connection.open(internal, client_context(folder))
        await connection.send(b"NONSENSE\r\n\r\n")
        head = await connection.head()
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in head
        assert json.loads(await connection.reader.read())["status"] == 400


async def test_a_head_without_end_is_refused(folder: Path) -> None:
    async with serving(hello, Credentials(folder, "post-east")) as (_, internal, _public):
        connection = await Connection.open(internal, client_context(folder))
        assert await connection.get() == 200
        await connection.send(b"GET / HTTP/1.1\r\nx: ")
        for _ in range(65):
            await connection.send(b"a" * 1024)
        assert (await connection.head()).startswith(b"HTTP/1.1 431 ")
        assert json.loads(await connection.reader.read())["status"] == 431


async def test_a_large_body_is_no_large_head(folder: Path) -> None:
    async with serving(hello, Credentials(folder, "post-east")) as (_, internal, _public):
        connection = await Connection.open(internal, client_context(folder))
        for _ in range(2):
            await connection.send(
                b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n" + b"a" * 200_000
            )
            assert (await connection.head()).startswith(b"HTTP/1.1 200 ")


async def test_black_hole_takes_requests_and_then_hangs_up(folder: Path) -> None:
    settings = Settings("post", Address("127.0.0.1", 0), folder, folder, place="east")
    app = build(settings, [], store=NoStore())  # type: ignore[arg-type]
    async with serving(app, credentials_of(settings)) as (_, internal, _public):
        connection = await Connection.open(internal, client_context(folder))
        began = time.monotonic()  # before the lease begins, which ends the wait
        app.state.site.faults.put("f", FaultSpec(kind="black-hole", seconds=0.3))
        with pytest.raises(Refused):
            await connection.get("/api/v1/anything")
        assert 0.299 <= time.monotonic() - began < 2  # the loop's timers are good to a millisecond


async def test_the_calls_of_one_caller_are_hurt_whatever_anybody_says_about_oneself(folder: Path) -> None:
    genesis.make_certificates(folder, ["frontend-east", "frontend-west"])
    settings = Settings("post", Address("127.0.0.1", 0), folder, folder, place="east")
    app = build(settings, [], store=NoStore())  # type: ignore[arg-type]
    async with serving(app, credentials_of(settings)) as (_, internal, public):
        told = {}
        for name in ("frontend-east", "frontend-west", "prober", None):
            connection = await Connection.open(internal if name else public, client_context(folder, name))
            assert await connection.get("/nowhere") == 404  # it is open when the fault comes
            told[name] = connection
        app.state.site.faults.put("f", FaultSpec(kind="errors", seconds=60, callers=("frontend@east",)))
        assert {name: [await one.get("/nowhere") for _ in range(2)] for name, one in told.items()} == {
            "frontend-east": [500, 500],
            "frontend-west": [404, 404],
            "prober": [404, 404],
            None: [404, 404],
        }


class NoStore:
    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self) -> bool:
        return True


PROGRAM = """
import asyncio
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from services.platform.app import build
from services.platform.clients import Clients
from services.platform.serve import Public, run
from services.platform.settings import Settings

class NoStore:
    async def start(self): pass
    async def close(self): print("store closed", flush=True)
    async def ready(self): return True
    async def query(self, *command): return []

router = APIRouter()

@router.get("/stream")
async def stream():
    async def events():
        try:
            yield b": open\\n\\n"
            await asyncio.sleep(3600)
        finally:
            print("stream closed", flush=True)
    return StreamingResponse(events(), media_type="text/event-stream")

@router.get("/slow")
async def slow():
    print("slow begins", flush=True)
    await asyncio.sleep(0.4)

@router.get("/stuck")
async def stuck():
    print("stuck begins", flush=True)
    await asyncio.sleep(3600)

settings = Settings.from_environment()
app = build(settings, [router], store=NoStore())
run(app, settings, Public(app, Clients(app.state.site.metrics)))
"""


@contextmanager
def process(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        "SERVICE": "post",
        "PLACE": "east",
        "LISTEN": "127.0.0.1:0",
        "PUBLIC_LISTEN": "127.0.0.1:0",
        "PKI": str(folder),
        "SECRETS": str(folder),
        "PATH": os.environ["PATH"],
    } | environment
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def addresses(process: subprocess.Popen[str]) -> list[Address]:
    """Where a process says that it serves, in its first line."""
    assert process.stderr is not None
    line = json.loads(process.stderr.readline())
    assert line["message"].startswith("post@east dev serves on ")
    return [
        Address.parse(text) for text in line["message"].removeprefix("post@east dev serves on ").split(",")
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_ends_in_time_with_open_streams(folder: Path, number: signal.Signals) -> None:
    with process(folder) as running:
        assert running.stdout is not None
        internal, public = addresses(running)
        stream = await Connection.open(public, client_context(folder, None))
        await stream.send(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
        await stream.head()
        idle = await Connection.open(internal, client_context(folder))
        assert await idle.get("/-/health") == 200
        slow = await Connection.open(internal, client_context(folder))
        answer = asyncio.create_task(slow.get("/slow"))
        assert await asyncio.to_thread(running.stdout.readline) == "slow begins\n"
        began = time.monotonic()
        running.send_signal(number)
        assert await answer == 200, "what was at work is answered"
        assert await asyncio.to_thread(running.wait, 5) == 0
        assert time.monotonic() - began < 2
        rest, errors = running.communicate()
    assert rest.splitlines() == ["stream closed", "store closed"]
    assert errors == "", "an end is no failure"


async def test_who_has_just_come_is_answered_before_the_end(folder: Path) -> None:
    async with serving(hello, Credentials(folder, "post-east")) as (server, internal, public):
        kept = await Connection.open(internal, client_context(folder))
        assert await kept.get() == 200
        fresh = [
            await Connection.open(internal, client_context(folder)),
            await Connection.open(public, client_context(folder, None)),
        ]
        end = asyncio.create_task(server.stop())
        assert await kept.reader.read() == b"", "where nothing is asked any more it ends at once"
        assert [await connection.get() for connection in fresh] == [200, 200]
        await end
        for address in (internal, public):
            with pytest.raises(Refused):
                await Connection.open(address, client_context(folder))


async def test_ends_in_time_with_a_request_that_never_ends(folder: Path) -> None:
    with process(folder) as running:
        assert running.stdout is not None
        internal, _ = addresses(running)
        stuck = await Connection.open(internal, client_context(folder))
        await stuck.send(b"GET /stuck HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await asyncio.to_thread(running.stdout.readline) == "stuck begins\n"
        began = time.monotonic()
        running.terminate()
        assert await asyncio.to_thread(running.wait, 5) == 0
        assert time.monotonic() - began < 2.2
        assert running.communicate()[0] == "store closed\n"


def test_says_why_it_cannot_start(folder: Path) -> None:
    with process(folder, PLACE="nowhere") as running:
        _, errors = running.communicate(timeout=20)
    assert running.returncode == 1
    (line,) = errors.splitlines()
    assert json.loads(line)["message"].startswith("post@nowhere cannot start: ")


async def test_says_which_address_is_taken(folder: Path) -> None:
    async with serving(hello, Credentials(folder, "post-east")) as (_, internal, _public):
        with process(folder, LISTEN=str(internal)) as running:
            _, errors = await asyncio.to_thread(running.communicate, timeout=20)
    assert running.returncode == 1
    (line,) = errors.splitlines()
    assert "cannot start" in json.loads(line)["message"]
    assert str(internal.port) in json.loads(line)["message"]
