"""The page: whole, from memory, and allowed nothing that does not come with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.auth.models import CodeOnly, SignUp
from services.frontend import pages
from services.frontend.pages import STATIC
from services.post.models import LONGEST_TEXT

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


def test_the_rules_that_the_page_states_are_those_of_the_api() -> None:
    rules = dict(re.findall(r"export const (\w+) = \"?([^;\"]+)\"?;", (STATIC / "rules.js").read_text()))
    told = SignUp.model_json_schema()["properties"]
    assert told["name"]["pattern"] == f"^{rules.pop('NAME_PATTERN')}$"
    assert told["name"]["pattern"].endswith(f"{{1,{rules.pop('LONGEST_NAME')}}}$")
    assert told["password"]["minLength"] == int(rules.pop("SHORTEST_PASSWORD"))
    assert told["password"]["maxLength"] == int(rules.pop("LONGEST_PASSWORD"))
    assert CodeOnly.model_json_schema()["properties"]["code"]["pattern"] == f"^{rules.pop('CODE_PATTERN')}$"
    assert int(rules.pop("LONGEST_POST")) == LONGEST_TEXT
    assert rules == {}


def test_the_page_has_words_for_problems_that_there_are() -> None:
    told = set(re.findall(r"^  \"?([a-z-]+)\"?: ", (STATIC / "refusals.js").read_text(), re.MULTILINE))
    services = Path(pages.__file__).parents[1]
    there_are = {
        slug for path in services.rglob("*.py") for slug in re.findall(r'"([a-z-]{6,})"', path.read_text())
    }
    assert len(told) > 15
    assert told <= there_are


def test_nothing_on_the_page_needs_a_font_that_not_everybody_has() -> None:
    for file in STATIC.iterdir():
        if file.suffix in (".css", ".js", ".html"):
            assert max(file.read_text(encoding="utf-8")) < "\U00010000", file.name
