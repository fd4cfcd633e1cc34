"""Each hidden defect is found before the loss that it makes worse; where there is none, none is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from site_under_test import Site, wait_until


@dataclass(frozen=True)
class Hidden:
    """A defect that nobody feels yet, and the question that has to find it."""

    fault: tuple[str, ...]
    question: str
    says: str

    def __str__(self) -> str:
        return "-".join(self.fault[:2])


HIDDEN = (
    Hidden(("replica-barred", "store:replica"), "a replica to promote", "barred"),
    Hidden(("wrong-address", "site"), "what the configuration names", "nobody answers there"),
    Hidden(("health-check-lies", "retweet@west"), "health checks", "answers 503"),
    Hidden(("replication-cut", "store:replica"), "what would be lost", "behind"),
    Hidden(("sentinels-down", "site", "--number", "2"), "votes for a promotion", "1 of 3 votes"),
    Hidden(("quorum-lost", "site"), "votes for a promotion", "does not answer"),
    Hidden(("certificate-expired", "maintenance@west"), "certificates, idle ones too", "expired"),
    Hidden(("health-check-lies", "frontend@east"), "health checks", "answers 503"),
    Hidden(("backups-unreachable", "maintenance:all"), "backups", "no way to the backups"),
    Hidden(("stop", "notify@east"), "every part has its twin", "notify@east is not ready"),
)
EVERYDAY = 3


def findings(site: Site) -> list[dict[str, Any]]:
    done = site.run("drill", "readiness", "--json")
    assert done.returncode in (0, 1, 4), done.stderr
    return list(json.loads(done.stdout))


def not_ready(site: Site) -> dict[str, str]:
    return {row["question"]: row["because"] for row in findings(site) if row["verdict"] is not True}


@pytest.mark.parametrize("hidden", HIDDEN[:EVERYDAY], ids=str)
def test_a_hidden_defect_is_found(site: Site, hidden: Hidden) -> None:
    are_found_and_gone_again(site, hidden)


@pytest.mark.long("one of each kind is enough every day")
@pytest.mark.parametrize("runtime", ["processes"], indirect=True)
@pytest.mark.parametrize("hidden", HIDDEN[EVERYDAY:], ids=str)
def test_every_other_hidden_defect_is_found(site: Site, hidden: Hidden) -> None:
    are_found_and_gone_again(site, hidden)


@pytest.mark.long("one at a time is enough every day")
@pytest.mark.parametrize("runtime", ["processes"], indirect=True)
def test_of_two_hidden_defects_both_are_named(site: Site) -> None:
    both = (HIDDEN[0], HIDDEN[2])
    assert are_found_and_gone_again(site, *both) == {hidden.question for hidden in both}


def are_found_and_gone_again(site: Site, *all_hidden: Hidden) -> set[str]:
    """Returns all questions that found something meanwhile."""
    wait_until(lambda: not not_ready(site), 30, "nothing to be found")
    for hidden in all_hidden:
        site.ok("chaos", *hidden.fault, "--for", "60s", "--detach", "--quiet")

    def are_named() -> bool:
        found = not_ready(site)
        return all(hidden.says in found.get(hidden.question, "") for hidden in all_hidden)

    wait_until(are_named, 15, ", ".join(f"{one.question!r} to say {one.says!r}" for one in all_hidden))
    found = set(not_ready(site))
    done = site.run("drill", "readiness")
    assert done.returncode == 1
    for hidden in all_hidden:
        assert hidden.question in done.stdout.partition("The next loss may not be survived: ")[2]
    site.ok("chaos", "heal")
    wait_until(lambda: not not_ready(site), 30, "nothing to be found any more")
    return found
