"""Session tokens: signed, so that whoever has the keys can tell who is asking without asking anybody."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from services.platform import wall_clock
from services.platform.identity import LARGEST_ID, User, not_signed_in
from services.platform.problems import Problem

logger = logging.getLogger(__name__)

ALGORITHM = "HS256"
KEYS_FILE = "session-keys.json"

LOOK_AGAIN_SECONDS = 1.0
"""How often the key file is looked at."""

KEPT_VERIFICATIONS = 4096
"""Tokens whose verification is remembered: a signature is checked once, not at each request of a session."""

_LONGEST_TOKEN = 2048


@dataclass(frozen=True, slots=True)
class Session:
    """What a token says. Times are Unix seconds."""

    user: User
    sid: str
    issued: float
    expires: float


class KeysError(Exception):
    """The file of session keys cannot be used; the message names it."""


class SessionKeys:
    """The keys that sign session tokens: SECRETS/session-keys.json, `{"current": kid, "keys": {kid:
    secret}}`.

    New tokens are signed with the current key; tokens of the other keys stay good as long as these are in
    the file. The file is read again when it changes; one that cannot be read then changes nothing.
    """

    def __init__(self, folder: Path) -> None:
        """Reads the keys of the secrets folder. Raises KeysError."""
        self._path = folder / KEYS_FILE
        self._verified: OrderedDict[str, Session] = OrderedDict()
        self._looked = time.monotonic()
        self._stamp = self._stamp_of_file()
        self._current, self._keys = self._read()
        self._other = ""
        """What is added to each secret."""

    @contextmanager
    def with_another_secret(self) -> Iterator[None]:
        """Within the block the secrets of all keys are others than the file says."""
        other = secrets.token_hex(16)
        self._other += other
        self._verified.clear()
        try:
            yield
        finally:
            self._other = self._other.replace(other, "")
            self._verified.clear()

    def issue(self, user: User, lifetime: float, *, sid: str | None = None, age: float = 0.0) -> str:
        """A token for a session of `user` that began so many seconds ago, good for `lifetime` from then."""
        now = wall_clock.now() - age
        claims = {
            "sub": str(user.id),
            "name": user.name,
            "sid": sid or secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + lifetime,
        }
        return self._sign(claims)

    def issue_for(self, audience: str, user: User, lifetime: float) -> str:
        """A token for one purpose, good for `lifetime` seconds; `verify` does not take it for a session."""
        expires = wall_clock.now() + lifetime
        return self._sign({"sub": str(user.id), "name": user.name, "aud": audience, "exp": expires})

    def verify_for(self, audience: str, token: str) -> User | None:
        """Whom a token of `issue_for` was made for; None when it is for another purpose, or expired."""
        self._look_again()
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                audience=audience,
                # Expiry by the clock of this part, not by the library's.
                options={"require": ["sub", "aud", "exp"], "verify_exp": False},
            )
            if float(claims["exp"]) <= wall_clock.now():
                return None
            return User(int(claims["sub"]), claims["name"])
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, RecursionError, Problem):
            return None

    def _sign(self, claims: dict[str, Any]) -> str:
        self._look_again()
        return jwt.encode(
            claims, self._keys[self._current] + self._other, ALGORITHM, headers={"kid": self._current}
        )

    def verify(self, token: str) -> Session:
        """The session that a token stands for. Raises Problem 401 `not-signed-in`, also when it has expired.

        Says nothing about revocation: see services.platform.revocations.
        """
        self._look_again()
        session = self._verified.get(token)
        if session is None:
            session = self._decode(token)
            self._remember(token, session)
        else:
            self._verified.move_to_end(token)
        now = wall_clock.now()
        if session.expires <= now:
            raise not_signed_in("The session has expired.")
        if session.issued > now + wall_clock.MAY_DIFFER:
            raise not_signed_in("The session is not good yet.")
        return session

    def _decode(self, token: str) -> Session:
        if len(token) > _LONGEST_TOKEN:
            raise not_signed_in("This is not a session token.")
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                # Both times are checked at each use, by `verify`.
                options={"require": ["sub", "sid", "iat", "exp"], "verify_exp": False, "verify_iat": False},
            )
            user_id, name = int(claims["sub"]), claims["name"]
            if not (0 < user_id <= LARGEST_ID and isinstance(name, str) and isinstance(claims["sid"], str)):
                raise not_signed_in("This is not a session token.")
            return Session(User(user_id, name), claims["sid"], float(claims["iat"]), float(claims["exp"]))
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, RecursionError):
            raise not_signed_in("This is not a session token.") from None

    def _key_of(self, token: str) -> str:
        kid = jwt.get_unverified_header(token).get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise not_signed_in("The session was signed with a key that is not in use.")
        return key + self._other

    def _remember(self, token: str, session: Session) -> None:
        self._verified[token] = session
        if len(self._verified) > KEPT_VERIFICATIONS:
            self._verified.popitem(last=False)

    def _look_again(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_AGAIN_SECONDS:
            return
        self._looked = now
        stamp = self._stamp_of_file()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._current, self._keys = self._read()
        except KeysError as error:
            logger.warning("session keys not read again: %s", error)
            return
        self._verified.clear()

    def _read(self) -> tuple[str, dict[str, str]]:
        try:
            content = json.loads(self._path.read_bytes())
            current, keys = content["current"], content["keys"]
            usable = isinstance(keys, dict) and all(
                isinstance(secret, str) and secret for secret in keys.values()
            )
            if not usable or current not in keys:
                raise ValueError("the current key is not among the keys")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeysError(f"{self._path}: {error}") from error
        return current, keys

    def _stamp_of_file(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size
