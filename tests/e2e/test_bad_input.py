"""What a client or a person gets wrong is answered with the cause and the next step, never with a crash."""

from __future__ import annotations

import jwt
import pytest
from site_under_test import Site

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    with site.client() as client:
        answer = client.post("/api/v1/accounts", json={"name": "clumsy", "password": PASSWORD})
        if answer.status_code == 409:
            answer = client.post("/api/v1/sessions", json={"name": "clumsy", "password": PASSWORD})
        return str(answer.json()["token"])


FOREIGN = jwt.encode({"sub": "1", "name": "eve", "sid": "1", "exp": 4102444800, "iat": 0}, "x" * 32, "HS256")
EXPIRED = jwt.encode({"sub": "1", "name": "eve", "sid": "1", "exp": 1, "iat": 0}, "x" * 32, "HS256")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/api/v1/posts", b'{"text": ', {}, (400, 422)),
        ("POST", "/api/v1/posts", b'{"text": "' + b"a" * 281 + b'"}', {}, (422,)),
        ("POST", "/api/v1/posts", b'{"text": "\\u0000"}', {}, (422,)),
        ("POST", "/api/v1/posts", b"\xff\xfe", {}, (400, 422)),
        ("POST", "/api/v1/posts", b'{"text": "' + b"a" * 100_000 + b'"}', {}, (413,)),
        ("GET", "/api/v1/posts/not-a-number", b"", {}, (404, 422)),
        ("GET", "/api/v1/posts/99999999999999999999999999", b"", {}, (404, 422)),
        ("GET", "/api/v1/timelines/home?cursor=nonsense", b"", {}, (400,)),
        ("GET", "/api/v1/timelines/home?limit=-1", b"", {}, (422,)),
        ("GET", "/api/v1/timelines/home", b"", {"authorization": f"Bearer {FOREIGN}"}, (401,)),
        ("GET", "/api/v1/timelines/home", b"", {"authorization": f"Bearer {EXPIRED}"}, (401,)),
        ("GET", "/api/v1/timelines/home", b"", {"authorization": "Bearer"}, (401,)),
        ("GET", "/api/v1/timelines/home", b"", {"authorization": "", "failwhale-user": "1"}, (401,)),
        ("GET", "/api/v1/nowhere", b"", {}, (404,)),
        ("PATCH", "/api/v1/posts", b"", {}, (404, 405)),
        ("GET", "/-/faults", b"", {}, (404,)),
        ("POST", "/api/v1/sessions", b'{"name": "nobody", "password": "wrong password"}', {}, (401,)),
        ("POST", "/api/v1/accounts", b'{"name": "clumsy", "password": "correct horse"}', {}, (409,)),
    ],
)
def test_a_clients_mistake_is_a_problem_document(
    site: Site,
    token: str,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    status: tuple[int, ...],
) -> None:
    with site.client(token=token) as client:
        answer = client.request(
            method, path, content=body, headers={"content-type": "application/json", **headers}
        )
    assert answer.status_code in status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("https://failwhale.invalid/problems/")
    assert problem["title"]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["chaos", "unplug", "post@east"], "failwhale chaos list"),
        (["chaos", "kill", "post@north"], "post@east"),
        (["chaos", "kill", "post@east", "--for", "-5s"], "--for"),
        (["chaos", "kill", "post@east", "--for", "soon"], "10s"),
        (["chaos", "latency", "post@east", "--share", "120%"], "--share"),
        (["logs", "notfy@east"], "did you mean notify@east"),
        (["load", "steady", "--for", "-1s"], "--for"),
        (["load", "flood"], "steady"),
        (["populate", "--people", "0"], "--people"),
        (["up", "--on", "paper"], "processes"),
    ],
)
def test_a_persons_mistake_is_named_with_what_would_be_right(
    site: Site, arguments: list[str], names: str
) -> None:
    done = site.run(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert names in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_site_that_is_not_up_is_named(new_site: object) -> None:
    site = new_site()  # type: ignore[operator]
    for arguments in (
        ["status"],
        ["chaos", "kill", "post@east"],
        ["load", "steady"],
        ["outages"],
        ["populate"],
    ):
        done = site.run(*arguments)
        assert done.returncode != 0, arguments
        assert "failwhale up" in done.stderr, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
