"""What a signal may end, and when."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from foundation.interruption import interruptible, postponed, uninterruptible

STATES = "import signal; print([signal.getsignal(n).name for n in (signal.SIGTERM, signal.SIGHUP)])"


def twice_interrupted(number: signal.Signals, done: list[str]) -> None:
    with postponed():
        signal.raise_signal(number)
        signal.raise_signal(number)
        done.append("all of it")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_postponed_comes_at_the_end_of_the_block(number: signal.Signals) -> None:
    done: list[str] = []
    with interruptible():
        before = signal.getsignal(number)
        with pytest.raises(KeyboardInterrupt):
            twice_interrupted(number, done)
        assert signal.getsignal(number) is before
    assert done == ["all of it"]


def test_what_is_started_meanwhile_inherits_nothing_and_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with postponed():
            signal.raise_signal(signal.SIGHUP)
            said = subprocess.run([sys.executable, "-c", STATES], capture_output=True, text=True, check=True)
        assert said.stdout.strip() == "['SIG_DFL', 'SIG_IGN']"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_clean_up_is_not_interrupted_by_being_asked_again_and_hands_on_no_deafness() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with interruptible():
        before = [signal.getsignal(number) for number in numbers]
        with uninterruptible():
            for number in numbers:
                signal.raise_signal(number)
            said = subprocess.run([sys.executable, "-c", STATES], capture_output=True, text=True, check=True)
        assert [signal.getsignal(number) for number in numbers] == before
    assert said.stdout.strip() == "['SIG_DFL', 'SIG_DFL']"
