"""Objects whose reference counts do not change any more, so that forks go on sharing the memory they are in.

To use an object is to write its count, and to write into a page that a fork shares is to have a copy of it:
of 60 MB that the supervisor imported each part came to copy 15, and with this it is 10: of the whole site
480 MB became 398 (Python 3.13). It takes 50 ms. What they refer to and the collector does not know, strings
above all, would be another 30 MB, and a third of a second of each start. CPython has had immortal objects
since 3.12 (PEP 683, which names this use) and no call that makes them before 3.15: the count is written.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import types

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
    """Make all objects immortal that the garbage collector knows, and the code of functions; none of them is
    freed any more. Frames are left out: they are the calls that go on just now. Returns how many objects that
    were: none where `are_there` says no, and then nothing is done."""
    if not are_there():
        return 0
    # The memory of this process as an array of halves, each at a quarter of its address.
    counts = (ctypes.c_uint32 * (1 << 60)).from_address(0)
    made = 0
    for one in gc.get_objects():
        if type(one) is types.FrameType:
            continue
        counts[id(one) >> 2] = COUNT
        made += 1
        if type(one) is types.FunctionType:
            counts[id(one.__code__) >> 2] = COUNT
    return made
