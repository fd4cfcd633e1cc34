"""Password hashes, made and checked in a few threads, so that a flood of logins leaves the loop alone."""

from __future__ import annotations

import asyncio
import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.platform.calls import deadline
from services.platform.injection.applied import AppliedFault
from services.platform.problems import Problem

LONGEST_WAIT_SECONDS = 5.0

_T = TypeVar("_T")


class Passwords:
    """Argon2id in a bounded number of threads; who waits too long for one is refused."""

    def __init__(self, *, time_cost: int, memory_kib: int, threads: int) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._number = threads
        self._threads = ThreadPoolExecutor(threads, "argon2")
        self._of_nobody = self._hasher.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Problem 503 when there are too many others."""
        return await self._in_thread(lambda: self._hasher.hash(_normal(password)))

    async def matches(self, hashed: str | None, password: str) -> bool:
        """Whether the password is right. Takes as long where there is no hash, so that nobody learns which
        accounts exist. Raises Problem 503 when there are too many others."""
        return await self._in_thread(lambda: self._verify(hashed or self._of_nobody, _normal(password)))

    async def occupy(self, applied: AppliedFault) -> None:
        """Have every thread wait for nothing, while a fault asks for that."""
        over = threading.Event()
        try:
            for _ in range(self._number):
                self._threads.submit(over.wait, applied.fault.seconds)
            await applied.ended.wait()
        finally:
            over.set()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        try:
            async with asyncio.timeout(min(deadline.remaining(), LONGEST_WAIT_SECONDS)):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Problem(
                503, "overloaded", "Too many passwords to check, try again", headers={"Retry-After": "1"}
            ) from None


def _normal(password: str) -> str:
    """NFC: keyboards differ in how they send an accent."""
    return unicodedata.normalize("NFC", password)
