"""What holds for all tests."""

import signal

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Who ends the tests politely gets the same clean-up as with Ctrl-C: what they started is ended, too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
