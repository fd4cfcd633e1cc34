"""The page: whole, from memory, and allowed nothing that does not come with it."""

from __future__ import annotations

import re

import pytest

from services.frontend.pages import STATIC

from .conftest import Front


async def test_the_page(front: Front) -> None:
    answer = await front.http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "failwhale" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert front.measured("GET", "/", 200) == 1


async def test_a_page_that_is_known_is_not_sent_again(front: Front) -> None:
    first = await front.http.get("/")
    again = await front.http.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await front.http.get("/", headers={"if-none-match": '"other"'})
    assert other.status_code == 200


async def test_head_of_the_page(front: Front) -> None:
    whole = await front.http.get("/")
    head = await front.http.head("/")
    assert head.status_code == 200
    assert head.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize("name", [path.name for path in STATIC.iterdir()])
async def test_every_file(front: Front, name: str) -> None:
    answer = await front.http.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer.content == (STATIC / name).read_bytes()
    assert answer.headers["content-security-policy"]


async def test_the_policy_holds_nothing_back_that_the_page_needs(front: Front) -> None:
    """No inline script or style, and every file that a file names is there."""
    for path in STATIC.iterdir():
        text = path.read_text()
        if path.suffix == ".html":
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text), path.name
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\((?!#)|@import", text), path.name
        named = re.findall(r"\"/static/([^\"]+)\"", text) + re.findall(r"from \"\./([^\"]+)\"", text)
        for name in named:
            assert (STATIC / name).is_file(), f"{path.name} names {name}"


@pytest.mark.parametrize("path", ["/static/", "/static/nothing.js", "/static/%2e%2e/pages.py", "/nothing"])
async def test_what_is_not_there(front: Front, path: str) -> None:
    answer = await front.http.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_method(front: Front) -> None:
    answer = await front.http.post("/")
    assert answer.status_code == 405
    assert answer.json()["type"].endswith("/method-not-allowed")
