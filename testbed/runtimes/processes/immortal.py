"""Objects whose reference counts do not change any more, so that forks go on sharing the memory they are in.

To use an object is to write its count, and to write into a page that a fork shares is to have a copy of it:
of 60 MB that the supervisor imported each part came to copy 15, and with this it is 8: of the whole site
480 MB became 370 (Python 3.13). It takes a fifth of a second. CPython has had immortal objects since 3.12
(PEP 683, which names this use) and no call that makes them before 3.15: the count is written.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import types
from collections import deque
from collections.abc import Iterable
from itertools import filterfalse, repeat
from operator import rshift

COUNT = 2**32 - 1
"""The reference count of an immortal object in CPython 3.12 and 3.13, in the low half of its 64 bits."""


def are_there() -> bool:
    """Whether this interpreter has immortal objects in the form that is known here."""
    return (
        sys.implementation.name == "cpython"
        and sys.byteorder == "little"
        and sys.maxsize > 2**32
        and sys.getrefcount(None) == COUNT
    )


def make_immortal() -> int:
    """Make all objects immortal that the garbage collector knows, what they refer to, and the code of
    functions with its constants; none of them is freed any more. Frames are left out: they are the calls that
    go on just now. Returns how many objects that were: none where `are_there` says no, and then nothing is
    done."""
    if not are_there():
        return 0
    known = [one for one in gc.get_objects() if type(one) is not types.FrameType]
    # What the collector does not know itself: strings, code, and containers of nothing but such.
    others = _mortal(filterfalse(gc.is_tracked, gc.get_referents(*known)))
    constants = [one.co_consts for one in others if type(one) is types.CodeType]
    inside = [*constants, *(one for one in others if type(one) is tuple)]
    found = (known, others, constants, _mortal(gc.get_referents(*inside)))
    for objects in found:
        _write(objects)
    return sum(map(len, found))


def _mortal(objects: Iterable[object]) -> list[object]:
    return [one for one in objects if sys.getrefcount(one) != COUNT]


def _write(objects: Iterable[object]) -> None:
    """Without a loop of Python's own, which would take twice as long."""
    # The memory of this process as an array of halves, each at a quarter of its address.
    counts = memoryview((ctypes.c_uint32 * (1 << 60)).from_address(0)).cast("B").cast("I")
    halves = map(rshift, map(id, objects), repeat(2))
    deque(map(counts.__setitem__, halves, repeat(COUNT)), maxlen=0)
