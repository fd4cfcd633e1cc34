"""The Chromium of this machine, as a person has it who trusts the site's certificate authority.

It has no profile and no trust but what a test gives it. No browser is ever downloaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def chromium(authority: Path, home: Path) -> Iterator[Browser]:
    """A browser that trusts this authority. What is missing for it skips the test, or fails it where CI says
    that nothing may be."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        _is_missing("there is no Chromium here (on Debian: the package chromium)")
    if shutil.which("certutil") is None:
        _is_missing("the command certutil is missing (on Debian: the package libnss3-tools)")
    _trust(authority, home)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, env={**os.environ, "HOME": str(home)})
        try:
            yield browser
        finally:
            browser.close()


def _is_missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def _trust(authority: Path, home: Path) -> None:
    """Chromium on Linux reads whom it trusts, beyond its own list, from a database in its user's home."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for words in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "site", "-i", str(authority)]):
        subprocess.run(["certutil", "-d", f"sql:{database}", *words], check=True, capture_output=True)
