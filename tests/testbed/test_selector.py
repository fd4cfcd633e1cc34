from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_files import kind_of

from foundation.failure import Failure
from testbed.inventory import Part
from testbed.selector import select

ROLES = {"store@east": "replica", "store@west": "primary"}


def part(name: str) -> Part:
    service, _, place = name.partition("@")
    return Part(name, service, place or None, name.replace("@", "-"), None, {}, kind_of(service))


PLACES = ("east", "west", "north")
SITE = tuple(part(f"{service}@{place}") for service in ("post", "auth", "store") for place in PLACES[:2])
SITE = (*SITE, part("sentinel@witness"), part("prober"), part("chaos"))


def names(text: str, seed: int = 0) -> list[str]:
    return [one.name for one in select(text, SITE, lambda: ROLES, seed)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("post@east", ["post@east"]),
        ("prober", ["prober"]),
        ("post:all", ["post@east", "post@west"]),
        ("store:primary", ["store@west"]),
        ("store:replica", ["store@east"]),
        ("place:west", ["post@west", "auth@west", "store@west"]),
        ("place:witness", ["sentinel@witness"]),
        ("post:100%", ["post@east", "post@west"]),
        ("chaos:all", ["chaos"]),
        ("store@west,post@east", ["post@east", "store@west"]),
        ("auth@east, place:east,store:replica", ["post@east", "auth@east", "store@east"]),
    ],
)
def test_a_selector_names_parts(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize("text", ["mail:all", "post@north", "place:north", "post:best", "", ":", "post:%"])
def test_what_matches_nothing_lists_what_exists(text: str) -> None:
    with pytest.raises(Failure) as failure:
        names(text)
    assert failure.value.code == 2
    assert "post@east" in failure.value.next_step
    assert "place:west" in failure.value.next_step


def test_a_wrong_part_among_several_is_the_one_that_is_named() -> None:
    with pytest.raises(Failure, match="'auth@eats' matches no part of this site: did you mean auth@east"):
        names("post@east,auth@eats")
    with pytest.raises(Failure, match="'' matches no part"):
        names("post@east,")


def test_a_kind_alone_is_refused_with_both_ways_to_say_it() -> None:
    with pytest.raises(Failure, match="'post' can mean one part or all of post@east, post@west") as failure:
        names("post")
    assert failure.value.code == 2
    assert failure.value.next_step == "one of them: post:any; all of them: post:all"


def test_of_many_parts_only_the_nearest_five_are_named() -> None:
    site = tuple(part(f"{service}@{place}") for service in ("frontend", "post", "notify") for place in PLACES)
    with pytest.raises(Failure) as failure:
        select("posst@nroth", site, lambda: {}, 0)
    listed = failure.value.next_step.partition(";")[0]
    assert listed.startswith("parts such as post@north, post@")
    assert listed.count("@") == 5
    assert len(failure.value.next_step) < 200


@pytest.mark.parametrize("text", ["post:0%", "post:101%", "post:0.0%"])
def test_a_share_is_above_0_and_at_most_100_percent(text: str) -> None:
    with pytest.raises(Failure, match="above 0% and at most 100%") as failure:
        names(text)
    assert failure.value.code == 2


def test_roles_are_asked_for_only_when_they_matter() -> None:
    def never() -> dict[str, str]:
        raise AssertionError("nobody needs to know")

    assert select("store:all", SITE, never, 0)


def test_when_no_store_has_the_role_the_answer_says_what_they_are() -> None:
    with pytest.raises(Failure, match="no store is a primary") as failure:
        select("store:primary", SITE, lambda: {"store@east": "replica"}, 0)
    assert "store@east replica, store@west does not answer" in failure.value.next_step


def test_only_the_store_has_roles() -> None:
    with pytest.raises(Failure, match="only the store"):
        names("post:primary")


SITES = st.lists(
    st.tuples(st.sampled_from(["post", "auth", "prober", "chaos"]), st.integers(0, 30)),
    unique=True,
    min_size=1,
).map(lambda rows: tuple(part(f"{service}@p{number}") for service, number in rows))


@given(SITES, st.integers(0, 2**31), st.floats(0.01, 100).map(lambda share: f"{share:.2f}"))
def test_a_share_is_at_least_one_part_of_the_service_and_the_same_for_the_same_seed(
    site: tuple[Part, ...], seed: int, share: str
) -> None:
    service = site[0].service
    group = [one for one in site if one.service == service]
    chosen = select(f"{service}:{share}%", site, lambda: {}, seed)
    assert 1 <= len(chosen) <= len(group)
    assert abs(len(chosen) - len(group) * float(share) / 100) <= 1
    assert [one for one in group if one in chosen] == list(chosen)
    assert chosen == select(f"{service}:{share}%", site, lambda: {}, seed)
    assert len(select(f"{service}:any", site, lambda: {}, seed)) == 1


@given(SITES, st.integers(0, 30))
def test_a_place_never_hits_an_instrument(site: tuple[Part, ...], number: int) -> None:
    place = f"p{number}"
    there = [one for one in site if one.place == place and not one.is_instrument]
    if there:
        assert list(select(f"place:{place}", site, lambda: {}, 0)) == there
    else:
        with pytest.raises(Failure):
            select(f"place:{place}", site, lambda: {}, 0)


@given(SITES, st.text(max_size=20))
def test_any_text_selects_parts_or_is_a_usage_error(site: tuple[Part, ...], text: str) -> None:
    code = 0
    try:
        assert select(text, site, lambda: {}, 0)
    except Failure as failure:
        code = failure.code
    assert code in (0, 2)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("post@eats", "post@east"),
        ("pots:all", "post:all"),
        ("place:wets", "place:west"),
        ("store:primry", "store:primary"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(Failure, match=f"did you mean {meant}"):
        names(text)


def test_what_the_fault_cannot_be_done_to_is_not_offered() -> None:
    with pytest.raises(Failure) as failure:
        select("nothing", SITE, lambda: ROLES, 0, services=("post",))
    assert "post@east" in failure.value.next_step
    for other in ("chaos", "auth", "store"):
        assert other not in failure.value.next_step
