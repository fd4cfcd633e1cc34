"""The controller over mutual TLS, and the commands that ask it, on a site in memory."""

from __future__ import annotations

import asyncio
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from site_files import record, write_site

import chaos.cli
import chaos.client
import chaos.fault_command
import chaos.following
import chaos.heal
import driver.driver
import failwhale.chaos
import foundation.progress
from chaos import actions, probes
from chaos.api import build
from chaos.catalogue import by_family
from chaos.client import Client, NoController
from chaos.fault_rows import is_over, is_settled
from chaos.injector import Injector, Request
from chaos.safety import Safety
from foundation.clock import parse, stamp
from foundation.console import run
from foundation.failure import Failure
from foundation.state import State
from services.platform.genesis import make_certificates, make_secrets
from services.platform.serve import Server
from services.platform.settings import Address, Settings
from services.platform.tls import Credentials
from testbed.certificates import Flaw
from testbed.control import Control, Unreachable, operators_tls


@dataclass
class Running:
    """A controller in a thread of this process, which can be ended as abruptly as a process."""

    state: State
    injector: Injector
    port: int = 0

    def start(self) -> None:
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        assert self._up.wait(10)

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        settings = Settings(
            service="chaos",
            listen=Address("127.0.0.1", self.port),
            pki=self.state.pki,
            secrets=self.state.secrets,
        )
        app = build(self.injector, settings, lambda: self.state.token)
        credentials = Credentials(self.state.pki, "chaos")
        server = Server(app, credentials)
        await server.start()
        self.port = (await server.listen(app, settings.listen, credentials.internal)).port
        self._up.set()
        await self._stop.wait()
        await server.stop()

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._loop.close()


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path)
    make_certificates(state.pki, ["chaos"])
    make_secrets(state.secrets)
    return state


@pytest.fixture
def controller(laboratory: Any, state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    running = Running(state, laboratory.controller())
    running.start()
    write_site(state, [record("chaos", {"8000": f"127.0.0.1:{running.port}"})], on="processes up")
    monkeypatch.setattr(chaos.fault_command, "Site", lambda state: laboratory.site)
    monkeypatch.setattr(chaos.following, "Site", lambda state: laboratory.site)
    monkeypatch.setattr(chaos.heal, "Site", lambda state: laboratory.site)
    yield running
    running.stop()


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def command(
    state: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    monkeypatch.delenv(
        "COLUMNS", raising=False
    )  # pytest-xdist sets it; in a pipe a table is as wide as it needs

    def command(*words: str) -> Done:
        capsys.readouterr()
        at = ("--state", str(state.path)) if words[0] not in ("list", "show") else ()
        code = run(failwhale.chaos.app, "failwhale chaos", [*words, *at])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Done(code, out, err)

    return command


# --- the interface ---


def test_only_who_has_a_certificate_and_the_token_gets_in(controller: Running) -> None:
    tls = operators_tls(controller.state)
    assert Control("127.0.0.1", controller.port, tls).ask("GET", "/-/health").status == 200
    metrics = Control("127.0.0.1", controller.port, tls).ask("GET", "/metrics").body
    for name in (b"chaos_faults 0.0", b"# TYPE chaos_fault_start_time_seconds", b"# TYPE store_primary"):
        assert name in metrics
    for token in ("", "wrong"):
        answer = Control("127.0.0.1", controller.port, tls, token).ask("POST", "/heal")
        assert answer.status == 401
        assert answer.json()["type"].endswith("/no-control-token")
    import ssl

    stranger = ssl.create_default_context(cafile=str(controller.state.ca))
    stranger.check_hostname = False
    with pytest.raises(Unreachable):
        Control("127.0.0.1", controller.port, stranger, controller.state.token).ask("GET", "/faults")


@pytest.mark.parametrize(
    "body",
    [{}, {"fault": "kill"}, {"fault": 3, "target": []}, {"fault": "kill", "target": "post@east", "x": 1}],
)
def test_a_malformed_order_is_a_problem(controller: Running, body: dict[str, Any]) -> None:
    control = Control("127.0.0.1", controller.port, operators_tls(controller.state), controller.state.token)
    answer = control.ask("POST", "/faults", body)
    assert answer.status == 422
    assert answer.json()["detail"]
    assert control.ask("GET", "/faults/none").status == 404
    assert control.ask("DELETE", "/faults/none").status == 404


def test_an_order_is_repeatable_and_can_be_ended(controller: Running, laboratory: Any) -> None:
    client = Client(controller.state)
    wish = Request("pause", "post@east", 60, id="pause-1")
    first = client.order(wish)
    assert client.order(wish)["times"]["requested"] == first["times"]["requested"]
    with pytest.raises(Failure, match="pause is in force on post@east"):
        client.order(Request("pause", "post:all", id="pause-2"))
    client.end("pause-1")
    *_, last = client.watch("pause-1", is_settled)
    assert is_over(last)
    assert last["ended_by"] == "operator"
    assert laboratory.site.harm() == []
    assert [fault["id"] for fault in client.faults()] == ["pause-1"]


def test_a_fault_is_followed_across_the_death_of_the_controller(
    controller: Running, laboratory: Any, wait_until: Any
) -> None:
    client = Client(controller.state)
    client.order(Request("latency", "post@east", 0.6, id="latency-1"))
    wait_until(lambda: client.fault("latency-1")["verified"], "verified")
    controller.stop()
    controller.injector = laboratory.controller()
    threading.Timer(0.2, controller.start).start()
    *_, last = client.watch("latency-1", is_settled)
    assert is_over(last)


def test_without_a_controller_the_client_says_so_after_a_while(
    controller: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.client, "PATIENCE", 0.2)
    controller.stop()
    with pytest.raises(NoController, match="no chaos controller answers"):
        Client(controller.state).order(Request("kill", "post@east"))


# --- the commands ---


def test_a_fault_from_the_command_line(controller: Running, command: Any, laboratory: Any) -> None:
    done = command(
        "latency", "post:all", "--for", "500ms", "--delay", "50ms", "--share", "20%", "--json", "--verbose"
    )
    assert done.code == 0, done.err
    fault = done.json
    assert fault["fault"] == "latency"
    assert fault["target"] == "post:all"
    drawn = dict.fromkeys(["jitter", "tail", "draws"])
    assert fault["parameters"] == {"delay": 0.05, "share": 0.2, "users": None, "route": None, **drawn}
    assert (fault["phase"], fault["verified"], fault["ended_by"]) == ("reverted", True, "limit")
    assert fault["evidence"] == "; ".join(one["evidence"] for one in fault["targets"])
    steps = [fault["times"][phase] for phase in ("requested", "applied", "verified", "reverting", "reverted")]
    assert steps == sorted(steps)
    assert (fault["times"]["ceased"], fault["times"]["unknown"]) == (None, None)
    assert [one["target"] for one in fault["targets"]] == ["post@east", "post@west"]
    assert "reverting on post@east, post@west: ended by limit" in done.err
    assert laboratory.site.harm() == []


def test_its_steps_are_told_only_if_somebody_asks_and_by_step_not_by_part(
    controller: Running, command: Any
) -> None:
    words = ("latency", "post:all", "--for", "1s")
    heading = command(*words).err
    assert re.fullmatch(r"latency-\w+: latency on post@east, post@west \(delay 1.2s, share 100%\)\n", heading)
    first, *steps = command(*words, "--verbose").err.splitlines()
    assert re.sub(r"-\w+:", "", first) == re.sub(r"-\w+:", "", heading.rstrip())
    told = [re.sub(r"^ +\S+ ", "", step).partition(":")[0] for step in steps]
    parts = "post@east, post@west"
    assert told == [
        f"{word} {parts}" for word in ("applied to", "verified on", "reverting on", "reverted on")
    ]
    times = [step.split()[0] for step in steps]
    assert times == sorted(times, key=lambda time: (not time.endswith("ms"), float(time.rstrip("ms"))))


def test_a_fault_ends_with_what_is_said_of_users(controller: Running, state: State) -> None:
    asked: list[tuple[str, bool]] = []

    def answer(of: State, fault: Any, well: float | None) -> list[str]:
        assert of.path == state.path
        asked.append((fault["phase"], well is not None))
        return ["[red]post down for 2s[/]"]

    app = chaos.cli.commands(answer)

    def out(*words: str) -> str:
        capture = io.StringIO()
        with redirect_stdout(capture):
            words = ("kill", "post@east", "--state", str(state.path), *words)
            assert run(app, "failwhale chaos", words) == 0
        return capture.getvalue()

    told = out("--for", "300ms")
    assert told.startswith("post down for 2s\nkill-")
    assert asked == [("reverted", True)]
    out("--for", "300ms", "--quiet")
    out("--for", "300ms", "--json")
    out("--for", "300ms", "--detach")
    assert len(asked) == 1, "nobody is there to be told, or it goes on"


def test_whose_calls_are_hurt_is_told_by_every_command(
    controller: Running, command: Any, laboratory: Any
) -> None:
    words = ("errors", "post@east", "--from", "frontend@west", "--for", "1m")
    dry = command(*words, "--dry-run")
    assert "errors would hit post@east from frontend@west for 1m" in dry.out
    dry_run = command(*words, "--dry-run", "--json").json
    assert (dry_run["from"], dry_run["callers"]) == ("frontend@west", ["frontend@west"])
    done = command(*words, "--detach", "--verbose")
    assert done.code == 0, done.err
    assert "is in force: verified on post@east from frontend@west" in done.out
    assert re.search(r", until \d\d:\d\d:\d\d UTC\n", done.out)
    assert "sent as frontend@west; one sent as frontend@east is spared" in done.err
    assert "post@east from frontend@west" in command("active").out
    (active,) = command("active", "--json").json
    assert (active["from"], active["callers"]) == ("frontend@west", ["frontend@west"])
    assert command("heal").code == 0
    assert "post@east from frontend@west" in command("history").out
    assert laboratory.site.harm() == []


def test_detached_it_returns_when_it_is_verified_and_active_shows_it_until_heal(
    controller: Running, command: Any, laboratory: Any
) -> None:
    done = command("kill", "post@east", "--for", "1m", "--detach", "--json")
    assert done.code == 0, done.err
    assert done.json["verified"] is True
    assert not is_over(done.json)
    assert laboratory.site.harm() == ["post@east is down"]
    (active,) = command("active", "--json").json
    assert active["id"] == done.json["id"]
    assert "post@east" in command("active").out
    healed = command("heal", "--json")
    assert healed.code == 0, healed.err
    assert [fault["phase"] for fault in healed.json["faults"]] == ["reverted"]
    assert healed.json["broken"] == []
    assert laboratory.site.harm() == []
    assert command("active", "--json").json == []
    assert command("heal").out == "nothing was broken; every part is ready\n"
    command("kill", "post@east", "--for", "1m", "--detach")
    laboratory.site.runtime.pause("timeline@west")
    assert command("heal").out == "undid 1 fault and mended 1 other thing; every part is ready\n"


def test_one_fault_is_ended_and_no_other(controller: Running, command: Any, laboratory: Any) -> None:
    kill = command("kill", "post@east", "--for", "1m", "--detach", "--json").json["id"]
    pause = command("pause", "auth@east", "--for", "1m", "--detach", "--json").json["id"]
    done = command("end", kill)
    assert (done.code, done.out) == (0, f"{kill} is over\n")
    assert [row["ended_by"] for row in command("history", "--json").json] == ["operator", None]
    assert laboratory.site.harm() == ["auth@east is paused"]
    assert command("end", kill).out == f"{kill} was over already\n"
    assert command("end", pause, "--json").json["ended_by"] == "operator"
    assert laboratory.site.harm() == []


def test_who_ends_what_is_not_in_force_is_told_what_is(controller: Running, command: Any) -> None:
    kill = command("kill", "post@east", "--for", "1m", "--detach", "--json").json["id"]
    done = command("end", f"{kill}0")
    assert done.code == 2
    assert f"no active fault is named '{kill}0': did you mean {kill}?" in done.err
    done = command("heal", "kill-nothing")
    assert done.code == 2
    assert "no fault has the id 'kill-nothing', and 'kill-nothing' matches no part of this site" in done.err
    assert command("heal").code == 0


def test_only_what_is_named_is_healed(controller: Running, command: Any, laboratory: Any) -> None:
    kill = command("kill", "post:all", "--for", "1m", "--detach", "--json").json["id"]
    command("latency", "auth@east", "--for", "1m", "--detach")
    pause = command("pause", "notify@west", "--for", "1m", "--detach", "--json").json["id"]
    healed = command("heal", pause, "--json").json
    assert [(fault["id"], fault["ended_by"]) for fault in healed["faults"]] == [(pause, "heal")]
    assert command("heal", pause).out == f"{pause}: nothing was broken\n"
    laboratory.site.runtime.pause("retweet@east")
    laboratory.site.runtime.pause("timeline@east")
    done = command("heal", "post@west,retweet@east")
    assert (done.code, done.out) == (
        0,
        "post@west,retweet@east: undid 1 fault and mended 1 other thing\n",
    )
    assert {fault["id"] for fault in command("history", "--json").json if fault["ended_by"]} == {kill, pause}
    harm = sorted(laboratory.site.harm())
    assert (len(harm), harm[1]) == (2, "timeline@east is paused")
    assert harm[0].startswith("auth@east has latency-")


def test_only_what_is_named_is_healed_without_a_controller(
    controller: Running, command: Any, laboratory: Any
) -> None:
    kill = command("kill", "post@east", "--for", "1m", "--detach", "--json").json["id"]
    command("pause", "auth@east", "--for", "1m", "--detach")
    controller.stop()
    laboratory.lose_controller()
    done = command("heal", kill, "--json")
    assert done.code == 0, done.err
    assert [fault["id"] for fault in done.json["faults"]] == [kill]
    assert laboratory.site.harm() == ["auth@east is paused"]


def test_active_and_history_say_what_has_ceased(
    controller: Running, command: Any, laboratory: Any, wait_until: Any
) -> None:
    begun = command("pause", "post@east", "--for", "1m", "--detach", "--json").json
    assert [one["times"]["ceased"] for one in begun["targets"]] == [None]
    assert begun["times"]["ceased"] is None
    (known,) = command("history", "--json").json
    assert known == {**command("active", "--json").json[0], "felt": []}
    assert "not over yet" in command("history").out
    laboratory.site.runtime.thaw("post@east")
    wait_until(lambda: command("active", "--json").json == [], "it has ceased")
    (over,) = command("history", "--json").json
    assert over["id"] == begun["id"]
    assert over["phase"] == "ceased"
    (one,) = over["targets"]
    assert begun["times"]["requested"] < one["times"]["ceased"] < over["until"]
    assert (one["ended_by"], one["phase"]) == ("itself", "ceased")
    assert "ceased by itself at" in " ".join(command("history").out.split())
    begun = command("pause", "post@east", "--for", "1m", "--detach", "--json").json
    laboratory.ledger.append(
        "operation.begun",
        id="o-1",
        operation="restart",
        target="post:all",
        parts=["post@east"],
        asked_by="anna",
    )
    laboratory.site.runtime.thaw("post@east")
    wait_until(lambda: command("active", "--json").json == [], "it has ceased")
    *_, over = command("history", "--json").json
    assert (over["id"], over["phase"], over["ended_by"]) == (begun["id"], "ceased", "operator")
    assert "ceased by an operator at" in " ".join(command("history").out.split())
    done = command("kill", "post@east", "--for", "2s")
    assert done.code == 0, done.err
    assert "ended by limit at" in " ".join(command("history").out.split())


def test_intensity_stands_for_what_is_not_given(controller: Running, command: Any) -> None:
    words = ("latency", "post@east", "--for", "1m", "--dry-run", "--json")
    assert command(*words, "--intensity", "10").json["parameters"]["delay"] == 5
    assert command(*words, "--intensity", "10", "--delay", "2s").json["parameters"]["delay"] == 2
    assert command(*words).json["parameters"]["delay"] == 1.2
    detached = ("latency", "post@east", "--for", "1m", "--detach", "--json")
    assert command(*detached, "--intensity", "1").json["parameters"]["delay"] == 0.1


def test_a_stop_condition_ends_a_fault_early_and_is_refused_where_nobody_can_judge_it(
    controller: Running, command: Any, laboratory: Any, wait_until: Any
) -> None:
    green = {"state": "green", "since": "", "attempts": 1, "failed": 0, "last_error": None}
    laboratory.journeys = {"login": green}
    words = ("pause", "post@east", "--for", "1m", "--stop-when", "login down")
    begun = command(*words, "--detach", "--json").json
    assert begun["stop_when"] == "login down"
    laboratory.journeys = {"login": {**green, "state": "down"}}
    wait_until(lambda: command("active", "--json").json == [], "it has ended")
    assert laboratory.site.harm() == []
    (over,) = command("history", "--json").json
    assert over["ended_by"] == "stop condition: login"
    refused = command(*words)
    assert refused.code == 3
    assert "met already: login" in refused.err
    laboratory.journeys = {}
    assert "prober does not answer" in command(*words).err
    assert command("pause", "post@east", "--stop-when", "sometimes").code == 2


def test_more_than_the_site_allows_is_refused(controller: Running, command: Any, laboratory: Any) -> None:
    controller.injector.safety = Safety(longest_seconds=20, most_parts=1)
    assert "may last 20s here, and not 30s" in command("pause", "post@east", "--for", "30s").err
    assert "faults on 2 parts at a time" in command("pause", "post@east,auth@east").err
    assert laboratory.site.harm() == []
    assert command("pause", "post@east", "--for", "20s", "--detach").code == 0
    assert "faults on 2 parts at a time" in command("pause", "auth@east").err


def test_history_says_who_did_it_why_and_what_users_felt(
    controller: Running, command: Any, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILWHALE_USER", "anna")
    words = ("kill", "post@east,auth@east", "--for", "1m", "--detach", "--reason", "game day, second round")
    begun = command(*words, "--json").json
    assert (begun["asked_by"], begun["reason"]) == ("anna", "game day, second round")
    requested = next(line for line in laboratory.ledger.read() if line["kind"] == "fault.requested")
    assert (requested["asked_by"], requested["reason"]) == ("anna", "game day, second round")
    outage = {
        "journey": "login",
        "type": "down",
        "start": begun["times"]["applied"],
        "end": stamp(parse(begun["times"]["applied"]) + 2),
        "attempts": 4,
        "failed": 4,
        "error": "refused",
    }
    laboratory.ledger.append("outage.opened", **{**outage, "end": None})
    laboratory.ledger.append("outage.closed", **outage)
    assert command("heal").code == 0
    (known,) = command("history", "--json").json
    assert known["felt"] == [{"journey": "login", "kind": "down", "seconds": 2.0}]
    reverting, reverted = (known["times"][phase][11:19] for phase in ("reverting", "reverted"))
    lines = command("history").out.splitlines()
    requested_at = begun["times"]["requested"]
    assert lines[0].startswith(f"{requested_at[:10]} {requested_at[11:19]}  "), "faults of earlier days, too"
    assert lines[0].endswith(f"{begun['id']}: kill post@east,auth@east for 1m")
    assert [line.strip() for line in lines[1:]] == [
        "by anna: game day, second round",
        f"post@east, auth@east: verified, ended by heal at {reverting}, undone at {reverted}",
        "users: login down for 2s",
    ]
    assert command("kill", "post@east", "--reason", "x" * 201).code == 2


def test_one_fault_is_shown_with_its_parameters(command: Any) -> None:
    shown = command("show", "latency")
    said = " ".join(shown.out.split())
    assert "--delay: How late each request is answered. (1ms to 1m, default 1.2s)" in said
    assert "may hurt freshness, home-timeline" in said  # a handshake is over before
    assert command("show", "latency", "--json").json["name"] == "latency"
    assert "on docker needs a network" in " ".join(command("show", "partition").out.split())
    wrong = command("show", "latencyy")
    assert wrong.code == 2
    assert "did you mean latency?" in wrong.err


def test_without_a_fault_there_is_no_history(controller: Running, command: Any) -> None:
    assert command("history", "--json").json == []
    assert command("history").out == "no fault was ever in force\n"


def test_a_command_that_waits_for_its_fault_says_that_it_ceased(
    controller: Running, command: Any, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = laboratory.site.runtime
    pause = runtime.pause

    def pause_for_a_moment(part: str) -> None:
        pause(part)
        threading.Timer(0.2, runtime.thaw, (part,)).start()

    monkeypatch.setattr(runtime, "pause", pause_for_a_moment)
    done = command("pause", "post@east", "--for", "1m", "--verbose")
    assert done.code == 0, done.err
    assert "ceased on post@east by itself: post@east goes on" in done.err
    assert "reverting on post@east" not in done.err


def test_heal_needs_neither_a_controller_nor_a_journal(
    controller: Running, command: Any, laboratory: Any
) -> None:
    command("kill", "post@east", "--for", "1m", "--detach")
    command("errors", "auth:all", "--for", "1m", "--detach")
    controller.stop()
    laboratory.lose_controller()
    laboratory.site.runtime.pause("timeline@west")
    done = command("heal", "--json")
    assert done.code == 0, done.err
    assert len(done.json["faults"]) == 2
    assert done.json["mended"] == ["timeline@west was paused and goes on"]
    assert laboratory.site.harm() == []


def test_heal_finds_cuts_and_limits_and_goes_on_where_a_part_cannot_be_mended(
    controller: Running, command: Any, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = laboratory.site.runtime
    runtime.name = "docker"
    runtime.cut("auth@east")
    runtime.starve("lease", "post@west", 0.05, 60)
    assert command("heal", "--json").json["mended"] == [
        "auth@east was cut off and is back on its networks",
        "post@west was starved and has its own again",
    ]

    def refuse(part: str) -> None:
        raise Failure("address already in use")

    runtime.kill("auth@east")
    runtime.pause("timeline@west")
    monkeypatch.setattr(runtime, "start", refuse)
    monkeypatch.setattr("chaos.heal.READY_LIMIT", 0.2)
    done = command("heal")
    assert done.code == 5
    assert "auth@east: address already in use" in done.err
    assert "auth@east is not ready" in done.err
    assert laboratory.site.harm() == ["auth@east is down"]


def test_heal_finds_what_faults_left_behind_without_a_journal(
    controller: Running, command: Any, laboratory: Any
) -> None:
    site = laboratory.site
    east, west = (site.inventory.part(f"store@{place}") for place in ("east", "west"))
    site.bar(west)
    site.hold(east, 60)
    site.give_certificate(site.inventory.part("auth@west"), Flaw.EXPIRED)
    assert command("heal", "--json").json["mended"] == [
        "store@east was kept from writing and goes on",
        "auth@west had a bad certificate (expired) and is mended",
        "store@west was barred from promotion and is mended",
    ]
    assert site.harm() == []


def test_what_a_runtime_cannot_do_is_said_with_why(
    controller: Running, command: Any, laboratory: Any
) -> None:
    listed = " ".join(command("list").out.split())
    assert "on docker only: it needs a network of its own for each data centre" in listed
    refused = command("partition", "post@east")
    assert refused.code == 2
    assert "partition is not possible on processes: it needs" in refused.err
    assert "failwhale up --on docker" in refused.err
    laboratory.site.runtime.name = "docker"
    assert "post@east" in command("partition", "post@east", "--dry-run").out
    assert command("cpu-starve", "post@east", "--cpu", "0.5%").code == 2
    assert laboratory.site.harm() == []


def test_gone_is_not_called_well_while_users_are_not(
    controller: Running, command: Any, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.following, "wait_well", lambda *_, **__: ["post is down"])
    done = command("latency", "post@east", "--for", "200ms", "--json")
    assert done.code == 5
    assert is_over(done.json)
    assert done.json["not_well"] == ["post is down"]
    assert "is over, but not all is well: post is down" in done.err
    command("pause", "auth@east", "--for", "1m", "--detach")  # whose doing it may be
    done = command("latency", "post@east", "--for", "200ms")
    assert done.code == 0
    assert "not well yet, as other faults are in force: post is down" in done.out


def test_a_fault_that_ends_while_users_are_asked_about_is_no_excuse(
    controller: Running, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight seconds after the other fault had ended it was said to be in force, and the exit code was 0."""
    others: list[dict[str, str]] = [{"id": "kill-1"}]
    monkeypatch.setattr(chaos.following, "wait_well", lambda *_, **__: ["post is down"])
    monkeypatch.setattr(chaos.following, "active", lambda state: list(others))
    monkeypatch.setattr(driver.driver.Driver, "journeys", lambda self: others.clear() or {})
    done = command("latency", "post@east", "--for", "200ms")
    assert done.code == 5
    assert "other faults are in force" not in done.out
    assert "is over, but not all is well: post is down" in done.err


def test_another_fault_that_ends_meanwhile_is_no_excuse_and_there_is_time_to_wait(
    controller: Running, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight faults ended at once, and one command said "not restored" of a site that was well."""
    others = iter([[{"id": "another"}], []])
    looked: list[float] = []

    def wait(*_: Any, seconds: float, **__: Any) -> list[str]:
        looked.append(seconds)
        return ["post is down"] if seconds == 0 else []

    monkeypatch.setattr(chaos.following, "active", lambda state: next(others))
    monkeypatch.setattr(chaos.following, "wait_well", wait)
    done = command("latency", "post@east", "--for", "200ms", "--json")
    assert done.code == 0, done.err
    assert done.json["not_well"] == []
    assert looked == [0.0, chaos.following.WELL_LIMIT]


def test_a_dry_run_on_the_primary_says_whether_its_loss_would_be_failed_over(
    controller: Running, command: Any, laboratory: Any
) -> None:
    words = ("kill", "store:primary", "--dry-run")
    assert "failover: a replica is ready to be promoted" in command(*words).out
    laboratory.site.runtime.pause("store@west")
    assert "failover: not now, store@west does not answer it" in command(*words).out
    assert command(*words, "--json").json["failover_hindrance"] == "store@west does not answer it"
    assert "failover" not in command("kill", "store:replica", "--dry-run").out
    all_of_them = command("kill", "store:all", "--dry-run").out
    assert "failover: not now, every store is among the targets" in all_of_them


def test_block_and_unblock(controller: Running, command: Any) -> None:
    assert command("block").code == 0
    refused = command("kill", "post@east")
    assert refused.code == 1
    assert "failwhale chaos unblock" in refused.err
    assert command("unblock").code == 0
    assert command("kill", "post@east", "--for", "300ms").code == 0


def test_a_dry_run_touches_nothing(controller: Running, command: Any, laboratory: Any) -> None:
    done = command("kill", "place:west", "--dry-run", "--json")
    assert done.code == 0
    assert "store@west" in done.json["targets"]
    assert "home-timeline" in done.json["hurts"]
    assert laboratory.site.harm() == []
    assert command("active", "--json").json == []
    assert "may hurt: retweet" in command("pause", "retweet@east", "--dry-run").out


def test_a_dry_run_names_every_part_and_the_calls_that_would_be_touched(
    controller: Running, command: Any
) -> None:
    words = ("errors", "post:all", "--route", "POST /api/v1/posts", "--dry-run")
    calls, callers = ["POST /api/v1/posts"], ["frontend@east", "frontend@west"]
    assert command(*words, "--json").json["touches"] == [
        {"part": "post@east", "calls": calls, "callers": callers},
        {"part": "post@west", "calls": calls, "callers": callers},
    ]
    shown = command(*words, "--from", "frontend@west").out
    assert "  post@east: POST /api/v1/posts (called by frontend@west)\n" in shown
    assert "store@east: whatever is asked of it" in command("pause", "store@east", "--dry-run").out


def test_a_dry_run_refuses_what_is_blocked_or_too_much(
    controller: Running, command: Any, laboratory: Any
) -> None:
    controller.injector.safety = Safety(longest_seconds=20)
    assert "may last 20s here" in command("pause", "post@east", "--for", "30s", "--dry-run").err
    assert command("block").code == 0
    refused = command("pause", "post@east", "--dry-run")
    assert (refused.code, "failwhale chaos unblock" in refused.err) == (1, True)
    assert laboratory.site.harm() == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["unplug", "post@east"], "failwhale chaos list"),
        (["kil", "post@east"], "no fault is named 'kil': did you mean kill?"),
        (["histroy"], "Did you mean 'history'?"),
        (["kill", "post"], "one of them: post:any; all of them: post:all"),
        (["kill", "post@east,auth@eats"], "did you mean auth@east"),
        (["kill", "post@north"], "post@east"),
        (["kill", "post:any", "--share", "20%"], "--share"),
        (["kill", "post@east", "--for", "-5s"], "--for"),
        (["kill", "post@east", "--for", "0s"], "--for"),
        (["kill", "post@east", "--for", "11m"], "at most 10m"),
        (["latency", "post@east", "--share", "120%"], "--share"),
        (["latency", "post@east", "--delay", "2m"], "delay: 2m is not within 1ms and 1m"),
        (["errors", "post:all", "--route", "GET /nowhere"], "POST /api/v1/posts"),
        (["errors", "post:all", "--route", "GET /nowhere", "--dry-run"], "POST /api/v1/posts"),
        (["kill", "post@eats"], "did you mean post@east"),
        (["errors", "post@east", "--status", "200"], "status"),
        (["errors", "store:primary"], "frontend"),
        (["kill", "chaos"], "prober"),
        (["kill"], "TARGET"),
        (["errors", "post:all", "--from", "timeline@east"], "these do: frontend@east, frontend@west"),
        (["errors", "post:all", "--from", "timeline@east", "--dry-run"], "never calls post@east"),
        (["errors", "frontend:all", "--from", "frontend@east"], "--users 20%"),
        (["black-hole", "post@east", "--from", "frontend@eats"], "did you mean frontend@east"),
        (["kill", "post@east", "--from", "frontend@east"], "--from"),
    ],
)
def test_a_mistake_is_a_usage_error_that_names_what_would_be_right(
    controller: Running, command: Any, words: list[str], named: str
) -> None:
    done = command(*words)
    assert done.code == 2, done.err
    assert named in done.err


def test_who_interrupts_a_command_early_is_told_that_nothing_began(
    controller: Running, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(chaos.fault_command, "plan", plan)
    done = command("kill", "post@east")
    assert (done.code, "interrupted before the fault began" in done.err) == (130, True)


def test_a_store_in_another_role_is_a_usage_error(controller: Running, command: Any) -> None:
    for fault in ("promote", "replica-barred", "replication-cut"):
        done = command(fault, "store:primary")
        assert (done.code, "store@east is not a replica now" in done.err) == (2, True)


def test_values_are_spelled_for_people(controller: Running, command: Any) -> None:
    words = ("latency", "post:all", "--delay", "1200ms", "--share", "30%")
    assert "for 10s (delay 1.2s, share 30%)" in command(*words, "--dry-run").out
    assert "latency on post@east, post@west (delay 1.2s, share 30%)" in command(*words, "--for", "300ms").err


def test_a_dry_run_refuses_what_would_be_refused(controller: Running, command: Any, laboratory: Any) -> None:
    laboratory.site.runtime.kill("post@west")
    done = command("errors", "post:all", "--dry-run")
    assert done.code == 1
    assert "post@west does not answer" in done.err
    assert done.out == ""


def test_on_a_terminal_a_line_counts_down(
    controller: Running, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("latency", "post@east", "--for", "1200ms", "--verbose")
    assert "s left" not in command(*words).err
    monkeypatch.setattr(foundation.progress, "is_terminal", lambda: True)
    err = command(*words).err
    assert err.index("2 s left") < err.index("1 s left") < err.index("reverting on post@east")


def test_the_list_tells_what_can_be_broken_and_who_is_hurt_and_fits_a_terminal(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = command("list").out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    said = " ".join(out.split())
    for fault in command("list", "--json").json:
        assert f"{fault['name']} {fault['summary']}" in said
    assert "of the store. (store)" in said
    assert "auth login, login-second-factor" in said


def test_a_fault_that_does_not_bite_is_inconclusive(
    controller: Running, command: Any, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laboratory.site.runtime, "kill", lambda part: None)
    done = command("kill", "post@east", "--for", "300ms", "--json")
    assert done.code == 4
    assert done.json["verified"] is False
    assert "not verified, and it is over: " in done.err
    done = command("kill", "post@east", "--for", "1m", "--detach")
    assert done.code == 4
    assert re.search(r"not verified, and it is in force until \d\d:\d\d:\d\d UTC: ", done.err)
    assert "failwhale chaos heal ends it now" in done.err
    assert command("heal").code == 0


def test_a_fault_that_cannot_be_undone_is_not_restored(
    controller: Running, command: Any, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.execution, "REVERT_LIMIT", 0.1)
    with monkeypatch.context() as broken:
        broken.setattr(laboratory.site.runtime, "revive", lambda part: None)
        done = command("kill", "post@east", "--for", "300ms", "--json")
        assert done.code == 5
        assert done.json["phase"] == "unknown"
        assert "failwhale chaos heal" in done.err
    assert command("heal").code == 0
    assert laboratory.site.harm() == []


def test_every_fault_has_help_with_its_parameters_and_an_example(command: Any) -> None:
    listed = command("list", "--json").json
    assert [fault["name"] for fault in listed] == [fault.name for fault in by_family() if fault.listed]
    for fault in listed:
        assert {"name", "targets", "parameters", "hurts", "runtimes", "help"} <= fault.keys()
        done = command(fault["name"], "--help")
        assert done.code == 0
        assert f"failwhale chaos {fault['name']}" in " ".join(done.out.split())
        for parameter in fault["parameters"]:
            assert {"name", "type", "unit", "default", "bounds"} <= parameter.keys()
            assert f"--{parameter['name']}" in done.out


# --- as the Chaos Toolkit calls it ---


def test_actions_and_probes_take_and_give_json(
    controller: Running, laboratory: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "Site", lambda state: laboratory.site)
    where = {"state": str(controller.state.path)}
    begun = actions.inject(fault="kill", target="post@east", seconds=60, **where)
    assert json.loads(json.dumps(begun))["verified"] is True
    assert probes.part_is_ready("post@east", **where) is False
    assert probes.part_is_ready("post@west", **where) is True
    assert [fault["id"] for fault in probes.active_faults(**where)] == [begun["id"]]
    assert probes.store_roles(**where) == {"store@east": "primary", "store@west": "replica"}
    assert is_over(actions.end(begun["id"], **where))
    over = actions.inject("latency", "post:all", 0.3, {"delay": 0.5, "share": 0.5}, wait=True, **where)
    assert is_over(over)
    assert actions.heal(**where)["broken"] == []
    assert probes.active_faults(**where) == []


def test_whether_it_stays_green_is_looked_at_for_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(["green"] * 3 + ["down"])
    monkeypatch.setattr(probes, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(probes, "journeys_now", lambda state: {"post": {"state": next(looks)}})
    assert probes.stays_green(60) is False
    monkeypatch.setattr(probes, "journeys_now", lambda state: {"post": {"state": "green"}})
    began = time.monotonic()
    assert probes.stays_green(0.05) is True
    assert time.monotonic() - began >= 0.05
    monkeypatch.setattr(probes, "journeys_now", lambda state: {})
    assert probes.stays_green(60) is False


def test_an_action_that_does_not_bite_raises(
    controller: Running, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laboratory.site.runtime, "kill", lambda part: None)
    with pytest.raises(Failure, match="was not verified"):
        actions.inject("kill", "post@east", 0.3, state=str(controller.state.path))
