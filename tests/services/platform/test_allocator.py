"""What was freed goes back to the system."""

from __future__ import annotations

import ctypes

import psutil
import pytest

from services.platform import allocator
from services.platform.allocator import Allocator

BLOCK, BLOCKS = 16 * 1024, 2000


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc")
def test_what_lies_between_blocks_that_are_in_use_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """32 MB, of which every second block is freed: the end of the heap stays in use."""
    monkeypatch.setattr(allocator, "EVERY_SECONDS", 0.0)
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [libc.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for block in blocks[::2]:
        libc.free(block)
    before = psutil.Process().memory_info().rss
    assert Allocator().look()
    given_back = before - psutil.Process().memory_info().rss
    for block in blocks[1::2]:
        libc.free(block)
    assert given_back > BLOCK * BLOCKS / 4


def test_it_is_not_done_all_the_time() -> None:
    assert not Allocator().look()


def test_without_glibc_nothing_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not Allocator().look()
