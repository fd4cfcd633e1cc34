"""Accounts: handles, passwords, bulk import."""

from __future__ import annotations

import json

import jwt
import pytest

from services.auth.__main__ import application
from services.auth.store import Accounts
from services.platform.problems import Problem
from services.platform.tokens import SessionKeys
from services.platform.worker_ids import WorkerIds

PASSWORD = "correct horse"


@pytest.fixture
async def service(start_service):
    return await start_service("auth", application)


@pytest.fixture
def redis(sentinels, service):
    return sentinels.pair.primary.client


def slug(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["type"].rpartition("/")[2]


async def sign_up(service, name, password=PASSWORD):
    return await service.call("POST", "/accounts", json={"name": name, "password": password})


async def log_in(service, name, password=PASSWORD):
    return await service.call("POST", "/sessions", json={"name": name, "password": password})


async def test_signing_up_makes_an_account_and_a_session(service, redis, tmp_path):
    answer = await sign_up(service, "Ann_1")
    assert answer.status_code == 201
    account = answer.json()
    session = SessionKeys(tmp_path).verify(account["token"])
    assert (str(session.user.id), session.user.name) == (account["id"], account["name"])
    assert redis.get("handle:ann_1") == account["id"].encode()
    stored = redis.hgetall(f"account:{account['id']}")
    assert (stored[b"name"], stored[b"protected"]) == (b"Ann_1", b"0")
    assert redis.hget(f"credential:{account['id']}", "password").startswith(b"$argon2id$")
    [(_, event)] = redis.xrange("events")
    assert (event[b"type"], event[b"actor"]) == (b"account.created", account["id"].encode())


async def test_nobody_signs_up_under_the_id_of_another_account(service, redis, store):
    """Two processes that make ids under one number, as one that was frozen and its successor may."""
    ids = [WorkerIds(store, 9, lambda: 2_000_000_000_000) for _ in range(2)]
    assert await ids[0].next() == await ids[1].next()
    ann = await Accounts(store, ids[0]).sign_up("ann", "hash of ann's")
    bob = await Accounts(store, ids[1]).sign_up("bob", "hash of bob's")
    assert ann.id != bob.id
    assert redis.hget(f"credential:{ann.id}", "password") == b"hash of ann's"


async def test_nobody_gets_an_account_that_a_stranger_made_with_the_same_handle_and_id(service, redis, store):
    ids = [WorkerIds(store, 9, lambda: 2_000_000_000_000) for _ in range(2)]
    assert await ids[0].next() == await ids[1].next()
    await Accounts(store, ids[0]).sign_up("ann", "hash of ann's")
    with pytest.raises(Problem, match="taken"):
        await Accounts(store, ids[1]).sign_up("Ann", "hash of another's")


async def test_a_sign_up_whose_answer_was_lost_is_known_again(service, redis, store, monkeypatch):
    write = store.write

    async def twice(*args, **more):
        await write(*args, **more)
        return await write(*args, **more)

    monkeypatch.setattr(store, "write", twice)
    account = await Accounts(store, WorkerIds(store, 9)).sign_up("ann", "a hash")
    assert redis.get("handle:ann") == str(account.id).encode()
    assert len(redis.xrange("events")) == 1


async def test_a_handle_is_taken_in_whatever_case(service):
    assert (await sign_up(service, "ann")).status_code == 201
    answer = await sign_up(service, "ANN")
    assert (answer.status_code, slug(answer)) == (409, "handle-taken")


@pytest.mark.parametrize("name", ["", "a" * 16, "a b", "ann\n", "é", "@ann", "a\x00"])
async def test_handles_that_are_none(service, name):
    assert (await sign_up(service, name)).status_code == 422


@pytest.mark.parametrize("password", ["short", "x" * 201])
async def test_passwords_that_are_none(service, password):
    assert (await sign_up(service, "ann", password)).status_code == 422


@pytest.mark.parametrize("password", ["\x00" * 8, "пароль с пробелом", "🐳" * 200, PASSWORD])
async def test_logging_in_with_the_password_and_no_other(service, password):
    await sign_up(service, "ann", password)
    answer = await log_in(service, "ANN", password)
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expires", "device"}
    wrong = await log_in(service, "ann", password[:-1])
    assert (wrong.status_code, slug(wrong)) == (401, "wrong-credentials")


async def test_an_unknown_handle_looks_like_a_wrong_password(service, monkeypatch):
    await sign_up(service, "ann")
    hashes = []
    verify = service.app.state.auth._passwords._verify
    monkeypatch.setattr(
        service.app.state.auth._passwords,
        "_verify",
        lambda hashed, password: hashes.append(hashed) or verify(hashed, password),
    )
    wrong = await log_in(service, "ann", "wrong horse")
    unknown = await log_in(service, "nobody", "wrong horse")
    assert wrong.content == unknown.content
    assert len(hashes) == 2  # the same work was done
    assert hashes[0].split("$")[:4] == hashes[1].split("$")[:4]  # with the same parameters


async def test_session_tokens_are_signed_with_the_current_key_of_the_file(service, tmp_path):
    token = (await sign_up(service, "ann")).json()["token"]
    assert jwt.get_unverified_header(token)["kid"] == "one"
    assert jwt.decode(token, "s" * 40, algorithms=["HS256"])["name"] == "ann"


async def test_bulk_import_leaves_alone_who_is_there(service, redis):
    ann = (await sign_up(service, "ann")).json()
    redis.hset(f"account:{ann['id']}", "protected", 1)
    created = "2026-01-01T00:00:00.000000Z"
    for identifier, name in ((ann["id"], "ann"), (ann["id"], "other"), ("77", "Ann"), ("78", "zoe")):
        line = {"id": identifier, "name": name, "password_hash": "x", "created": created}
        await service.http.post(
            "/-/import", content=json.dumps(line), headers={"authorization": "Bearer control-token"}
        )
    assert redis.hget(f"account:{ann['id']}", "protected") == b"1"
    assert (await log_in(service, "ann")).status_code == 200
    assert redis.get("handle:zoe") == b"78"
    assert not redis.exists("handle:other", "account:77", "credential:77")


async def test_bulk_import(service, redis):
    hashed = await service.app.state.auth._passwords.hash(PASSWORD)
    line = {
        "id": "77",
        "name": "Zoe",
        "password_hash": hashed,
        "protected": True,
        "created": "2026-01-01T00:00:00.000000Z",
    }
    token = {"authorization": "Bearer control-token"}
    for _ in range(2):
        answer = await service.http.post("/-/import", content=json.dumps(line), headers=token)
        assert answer.json() == {"imported": 1}
    assert (await log_in(service, "zoe")).status_code == 200
    assert redis.hget("account:77", "protected") == b"1"
    assert (await service.http.post("/-/import", content="[]", headers=token)).status_code == 422
    assert (await service.http.post("/-/import", content="")).status_code == 401
