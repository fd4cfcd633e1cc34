"""The sites that other tests have: one in memory with a real controller, one that takes load, one of toys."""

from __future__ import annotations

from typing import Any

import pytest

import testbed.site
from driver.driver import Driver
from tests.chaos.conftest import laboratory, swift
from tests.chaos.test_controller import controller, state
from tests.loadtests.conftest import fake_pki, fake_site

__all__ = ["controller", "fake_pki", "fake_site", "laboratory", "state", "swift"]


@pytest.fixture
def driver(controller: Any, laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Of the site in memory."""
    monkeypatch.setattr(testbed.site, "Site", lambda state: laboratory.site)
    return Driver(controller.state)
