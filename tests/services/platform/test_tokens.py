from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import jwt
import pytest

from services.platform import tokens
from services.platform.identity import User
from services.platform.problems import Problem
from services.platform.tokens import KeysError, SessionKeys

ANN = User(7, "ann")
SECRET = "s" * 48


class Clocks:
    """The two clocks of the module under test: wall time, and the monotonic time of looking at the file."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(tokens, "time", clocks)
    monkeypatch.setattr(tokens.wall_clock, "now", clocks.time)
    return clocks


def write_keys(folder: Path, current: str, **secrets: str) -> None:
    (folder / "session-keys.json").write_text(json.dumps({"current": current, "keys": secrets}))


@pytest.fixture
def keys(tmp_path: Path) -> SessionKeys:
    write_keys(tmp_path, "one", one=SECRET)
    return SessionKeys(tmp_path)


def refused(keys: SessionKeys, token: str) -> str:
    with pytest.raises(Problem) as caught:
        keys.verify(token)
    assert (caught.value.status, caught.value.slug) == (401, "not-signed-in")
    return caught.value.detail


def test_a_token_says_who(keys: SessionKeys) -> None:
    token = keys.issue(ANN, 60)
    session = keys.verify(token)
    assert session.user == ANN
    assert session.expires == pytest.approx(time.time() + 60, abs=2)
    assert session.expires - session.issued == pytest.approx(60)
    assert keys.verify(token) == session
    assert keys.verify(keys.issue(ANN, 60)).sid != session.sid
    assert keys.verify(keys.issue(ANN, 60, sid="given")).sid == "given"
    assert jwt.get_unverified_header(token)["kid"] == "one"


def test_expiry_is_seen_also_for_a_token_that_was_verified_before(keys: SessionKeys, clocks: Clocks) -> None:
    token = keys.issue(ANN, 60)
    keys.verify(token)
    clocks.ahead = 61
    assert refused(keys, token) == "The session has expired."


def test_clocks_may_differ_by_a_minute_in_when_it_was_issued(keys: SessionKeys, clocks: Clocks) -> None:
    clocks.ahead = 50
    token = keys.issue(ANN, 600)
    clocks.ahead = 0
    assert keys.verify(token).user == ANN
    clocks.ahead = -20
    assert refused(keys, token) == "The session is not good yet."
    clocks.ahead = 10
    assert keys.verify(token).user == ANN


def test_another_secret_knows_no_session_and_its_sessions_are_known_nowhere(
    keys: SessionKeys, tmp_path: Path
) -> None:
    before, elsewhere = keys.issue(ANN, 60), SessionKeys(tmp_path)
    assert keys.verify(before).user == ANN
    with keys.with_another_secret():
        assert refused(keys, before) == "This is not a session token."
        strange = keys.issue(ANN, 60)
        assert keys.verify(strange).user == ANN
        with keys.with_another_secret():
            refused(keys, strange)
        assert keys.verify(strange).user == ANN
    assert keys.verify(before).user == ANN
    for one in (keys, elsewhere):
        assert refused(one, strange) == "This is not a session token."


def test_what_is_remembered_is_bounded(keys: SessionKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "KEPT_VERIFICATIONS", 3)
    busy = keys.issue(ANN, 60)
    for _ in range(10):
        keys.verify(busy)
        keys.verify(keys.issue(ANN, 60))
    assert len(keys._verified) == 3
    assert busy in keys._verified, "what is used is kept"


def unsigned(claims: dict[str, object]) -> str:
    def part(content: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'kid': 'one'})}.{part(claims)}."


CLAIMS = {"sub": "7", "name": "ann", "sid": "x", "iat": 0, "exp": 1e12}


def signed(secret: str = SECRET, kid: object = "one", algorithm: str = "HS256", **claims: object) -> str:
    content = {name: claim for name, claim in (CLAIMS | claims).items() if claim is not None}
    return jwt.encode(content, secret, algorithm, headers={"kid": kid} if isinstance(kid, str) else {})


def test_such_a_token_would_be_good(keys: SessionKeys) -> None:
    assert keys.verify(signed()).user == ANN


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "é.é.é",
        "\ud800",
        "x" * 3000,
        unsigned(CLAIMS),
        signed(secret="t" * 48),
        signed(kid="two"),
        signed(kid=None),
        signed(algorithm="HS512", secret=SECRET * 2),
        signed(sub=None),
        signed(sid=None),
        signed(exp=None),
        signed(iat=None),
        signed(name=None),
        signed(name=5),
        signed(sub="ann"),
        signed(sub="0"),
        signed(sub="9" * 20),
        signed(exp="soon"),
    ],
)
def test_foreign_tokens(keys: SessionKeys, token: str) -> None:
    refused(keys, token)


def test_a_token_that_was_tampered_with(keys: SessionKeys) -> None:
    head, _, signature = keys.issue(ANN, 60).split(".")
    other = keys.issue(User(8, "bob"), 60).split(".")[1]
    refused(keys, f"{head}.{other}.{signature}")


def test_rotation_without_a_restart(keys: SessionKeys, clocks: Clocks, tmp_path: Path) -> None:
    old = keys.issue(ANN, 60)
    write_keys(tmp_path, "two", one=SECRET, two="t" * 48)
    clocks.ahead = 2
    new = keys.issue(ANN, 60)
    assert jwt.get_unverified_header(new)["kid"] == "two"
    assert keys.verify(old).user == keys.verify(new).user == ANN

    write_keys(tmp_path, "two", two="t" * 48)
    clocks.ahead = 4
    assert refused(keys, old) == "The session was signed with a key that is not in use."
    assert keys.verify(new).user == ANN


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"current": "one"}', '{"current": "x", "keys": {"one": "s"}}']
)
def test_a_broken_file_changes_nothing_for_who_has_keys(
    keys: SessionKeys, clocks: Clocks, tmp_path: Path, content: str
) -> None:
    token = keys.issue(ANN, 60)
    (tmp_path / "session-keys.json").write_text(content)
    clocks.ahead = 2
    assert keys.verify(token).user == ANN
    with pytest.raises(KeysError, match=r"session-keys\.json"):
        SessionKeys(tmp_path)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=r"session-keys\.json"):
        SessionKeys(tmp_path)
