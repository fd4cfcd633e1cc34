"""Immortal objects are used as ever, and a fork that uses them keeps sharing the memory they are in."""

from __future__ import annotations

import subprocess
import sys

import pytest

from testbed.runtimes.processes.immortal import are_there

SCRIPT = """
import gc, os, sys
from testbed.runtimes.processes.immortal import COUNT, make_immortal

class Person:
    def __init__(self, name): self.name = name
    def __del__(self): ended.append(self.name)

def private():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))

def used():
    '''KB of which a fork has a copy for itself, after it used each object.'''
    out, into = os.pipe()
    if os.fork() == 0:
        before = private()
        for one in things: hold = [one, one]
        os.write(into, b"%d" % (private() - before))
        os._exit(0)
    os.wait()
    return int(os.read(out, 20))

ended = []
early = Person("early")
things = [str(n) + "!" if n % 2 else [n] * 20 for n in range(100_000)]
gc.disable()
mortal = used()
made = make_immortal()
immortal = used()
del early
late = Person("late")
del late
things.append(things[0] + [1])
counts = [sys.getrefcount(one) for one in (things[0], things[1], used.__code__, used.__code__.co_consts[1])]
print(made > 100_000, mortal, immortal, ended, set(counts) == {COUNT}, len(things))
"""


@pytest.mark.skipif(not are_there(), reason="this Python has no immortal objects as they are known here")
@pytest.mark.skipif(sys.platform != "linux", reason="what a process shares is read from Linux's /proc")
def test_a_fork_goes_on_sharing_immortal_objects() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    made, mortal, immortal, *rest = done.stdout.split(maxsplit=3)
    assert made == "True"
    assert int(mortal) > 5_000
    assert int(immortal) < int(mortal) / 5
    # What was there is not freed any more; what comes later is.
    assert rest == ["['late'] True 100001\n"]


@pytest.mark.skipif(are_there(), reason="this Python has immortal objects")
def test_without_immortal_objects_nothing_is_done() -> None:
    script = "from testbed.runtimes.processes.immortal import make_immortal; print(make_immortal())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
