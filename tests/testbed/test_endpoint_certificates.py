"""What endpoints present, as `failwhale certificates` tells it; renewal; rotation of the authority."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from over_tls import hello
from site_files import record, write_site

from failwhale.verbs import app
from foundation.console import run
from foundation.failure import Failure
from foundation.state import State
from services.link.control import Control
from services.platform import pki
from services.platform.genesis import make_certificates
from services.platform.injection.points import InjectionPoints
from services.platform.lab_time import LabTime
from services.platform.serve import Server
from services.platform.settings import Address
from services.platform.tls import Credentials
from testbed import certificates, endpoint_certificates
from testbed.certificates import Flaw

PARTS = ("post@east", "post@west", "link@east")


@dataclass
class Served:
    """Parts that serve, each with its certificate; they look at their files again and again."""

    state: State
    loading: dict[str, bool]

    def row(self, name: str) -> endpoint_certificates.EndpointCertificate:
        (row,) = [row for row in endpoint_certificates.look(self.state) if row.presented_by == name]
        return row


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    state = State(tmp_path / "state")
    state.pki.mkdir(parents=True)
    pki.keep_lab_time(state.pki, LabTime(3600))
    make_certificates(state.pki, [], [part.replace("@", "-") for part in PARTS])
    loading = dict.fromkeys(PARTS, True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers: list[Server] = []
    controls: list[Control] = []
    looks: list[asyncio.Task[None]] = []
    anywhere = Address("127.0.0.1", 0)

    async def serve(part: str) -> Address:
        name = part.replace("@", "-")
        credentials = Credentials(state.pki / name, name)
        refresh: Callable[[], object]
        if part.startswith("link"):
            control, refresh = Control(InjectionPoints(), tmp_path / "token"), credentials.refresh
            controls.append(control)
            address = await control.start(anywhere, credentials)
        else:
            server = Server(hello, credentials)
            refresh = server.tick
            servers.append(server)
            await server.start()
            address = await server.listen(hello, anywhere, credentials.internal)

        async def look() -> None:
            while True:
                await asyncio.sleep(0.01)
                if loading[part]:
                    refresh()

        looks.append(loop.create_task(look()))
        return address

    async def end() -> None:
        for look in looks:
            look.cancel()
        for control in controls:
            control.close()
        for server in servers:
            await server.stop()

    at = {part: asyncio.run_coroutine_threadsafe(serve(part), loop).result(10) for part in PARTS}
    rows = [record(part, {"8000": str(address)}) for part, address in at.items()]
    write_site(state, [*rows, record("auth@west", {"8000": "127.0.0.1:1"})])
    yield Served(state, loading)
    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def wait_served(served: Served, name: str, what: str | None) -> None:
    limit = time.monotonic() + 10
    while served.row(name).served != what:
        assert time.monotonic() < limit, f"{name} never presents what is {what}"
        time.sleep(0.01)


def test_what_is_presented_is_told_and_renewed(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--state", str(served.state.path)]
    certificates.give(served.state.pki, "post-west", Flaw.EXPIRED)
    wait_served(served, "post@west", "expired")
    capsys.readouterr()
    assert run(app, "failwhale", ["certificates", *where, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    told = {row["presented_by"]: row for row in rows}
    assert {name: row["served"] for name, row in told.items()} == {
        "post@west": "expired",
        "post@east": "good",
        "link@east": "good",
        "operators": None,
        "auth@west": "no answer",
    }
    ends = [row["not_after"] for row in rows]
    assert ends == [*sorted(ends[:-1]), None], "the first to end first, and what nobody knows last"
    assert rows[0]["presented_by"] == "post@west"
    assert rows[0]["days_left"] == pytest.approx(-1, abs=0.1), "a lab day is an hour here"
    good = told["post@east"]
    assert good["days_left"] == pytest.approx(90, abs=0.1)
    assert (good["name"], good["issuer"]) == ("post-east", "failwhale local CA")
    assert run(app, "failwhale", ["certificates", "renew", "post@west", *where]) == 0
    wait_served(served, "post@west", "good")
    assert run(app, "failwhale", ["certificates", "renew", "nobody", *where]) == 2
    assert "client, link@east, post@east, post@west" in capsys.readouterr().err


def test_what_is_presented_is_not_what_lies_there(served: Served) -> None:
    served.loading["post@east"] = False
    before = served.row("post@east")
    endpoint_certificates.renew(served.state, "all")
    assert served.row("post@east") == before
    assert served.row("post@west").served == "good"


def test_the_table_fits_80_columns(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(app, "failwhale", ["certificates", "--state", str(served.state.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert max(map(len, lines)) <= 80


def test_the_authority_is_rotated_in_two_halves(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    rotate = ["certificates", "rotate-ca", "--state", str(served.state.path)]
    root = served.state.pki
    former = pki.load_authority(root).certificate
    assert run(app, "failwhale", [*rotate, "--half", "issue"]) == 2, "nobody trusts the next one yet"
    assert run(app, "failwhale", [*rotate, "--half", "trust"]) == 0
    assert pki.load_authority(root).certificate == former
    both = pki.trusted(root)
    assert len(both) == 2
    assert {served.row(part).served for part in PARTS} == {"good"}
    assert run(app, "failwhale", [*rotate, "--half", "trust"]) == 0
    assert pki.trusted(root) == both, "it is the same rotation"
    assert run(app, "failwhale", [*rotate, "--half", "issue"]) == 0
    assert pki.load_authority(root).certificate in both
    for folder in (root, root / "post-east", root / "post-west", root / "link-east"):
        assert pki.trusted(folder) == [pki.load_authority(root).certificate]
    assert former not in pki.trusted(root)
    assert {served.row(part).served for part in PARTS} == {"good"}
    assert run(app, "failwhale", rotate) == 0, "both halves at once, and another time"
    assert {served.row(part).served for part in PARTS} == {"good"}


@pytest.mark.parametrize("deaf", ["post@west", "link@east"])
def test_a_part_that_does_not_listen_to_the_first_half_stops_the_second(
    served: Served, monkeypatch: pytest.MonkeyPatch, deaf: str
) -> None:
    served.loading[deaf] = False
    with monkeypatch.context() as hurried:
        hurried.setattr(endpoint_certificates, "LOADED_WITHIN", 0.3)
        for half in (endpoint_certificates.trust_next, endpoint_certificates.issue_by_next):
            with pytest.raises(Failure, match=f"^{deaf} does not trust the next authority yet"):
                half(served.state, print)
    served.loading[deaf] = True
    endpoint_certificates.trust_next(served.state, print)
    endpoint_certificates.issue_by_next(served.state, print)
