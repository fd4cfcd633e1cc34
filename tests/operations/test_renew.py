"""renew: it waits until what is made anew is shown, and not only something that is good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from foundation.failure import Failure
from operations import waiting
from operations.known import renew
from services.platform import pki
from services.platform.genesis import make_certificates
from testbed import certificates
from testbed.certificates import Presented
from testbed.inventory import Part

NAMES = ("post-east", "post-west")


class Parts:
    """Parts that show what they have loaded; they load what lies there at the look of this number."""

    def __init__(self, root: Path) -> None:
        make_certificates(root, [], NAMES)
        self.root = root
        self.looks = dict.fromkeys(NAMES, 0)
        self.load_at = dict.fromkeys(NAMES, 1)
        self.loaded = {name: self.lying(name) for name in NAMES}

    def lying(self, name: str) -> Any:
        return certificates.lying(self.root, name)

    def presented(self, part: Part) -> Presented:
        name = part.compose_name
        self.looks[name] += 1
        if self.looks[name] == self.load_at[name]:
            self.loaded[name] = self.lying(name)
        return Presented(self.loaded[name], None)


@pytest.fixture
def parts(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    made = Parts(tmp_path / "pki")
    site.presented_certificate = made.presented
    site.lying_certificate = lambda part: made.lying(part.compose_name)
    site.renew_certificate = lambda part: pki.renew(made.root, part.compose_name)
    return made


def test_the_old_one_is_not_enough_though_it_is_good(do: Any, parts: Parts) -> None:
    parts.load_at["post-west"] = 4
    before = parts.loaded["post-west"]
    assert do("renew", "post:all").said == "renewed: post@east, post@west"
    assert parts.loaded["post-west"] == parts.lying("post-west") != before


def test_who_does_not_load_it_is_named(do: Any, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renew, "LOADED_WITHIN", 0.02)
    parts.load_at["post-west"] = 0
    with pytest.raises(Failure, match="renewed, and post@west does not present it within"):
        do("renew", "post:all")
