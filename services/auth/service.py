"""Logging in and out: what the routes of the auth service do."""

from __future__ import annotations

from datetime import UTC, datetime

from services.auth.codes import matching_step, new_secret, uri
from services.auth.guesses import Guesses
from services.auth.models import Challenge, Enrolment, NewAccount, NewSession
from services.auth.passwords import Passwords
from services.auth.store import Accounts, handle_taken
from services.platform.configuration.schema import SECOND_FACTOR
from services.platform.identity import User, not_signed_in
from services.platform.problems import Problem
from services.platform.site import Site

_CHALLENGE = "second-factor"
"""The purpose of the token between the two steps of a login."""

_DEVICE = "device"
"""The purpose of the token by which a device shows that it was signed in before. It is no credential."""

DEVICE_SECONDS = 180 * 86400.0


class Auth:
    """Every method raises the store's problems as well."""

    def __init__(
        self,
        site: Site,
        accounts: Accounts,
        passwords: Passwords,
        *,
        session_seconds: float,
        challenge_seconds: float,
    ) -> None:
        self._keys = site.session_keys
        self._configuration = site.configuration
        self._revocations = site.revocations
        self._accounts = accounts
        self._passwords = passwords
        self._guesses = Guesses()
        self._session_seconds = session_seconds
        self._challenge_seconds = challenge_seconds

    async def sign_up(self, name: str, password: str) -> NewAccount:
        """Make an account and its first session. Raises Problem 409 when the handle is taken."""
        if await self._accounts.exists(name):  # before the hash, which is the dear part
            raise handle_taken(name)
        user = await self._accounts.sign_up(name, await self._passwords.hash(password))
        session = self._session(user)
        return NewAccount(id=str(user.id), name=user.name, **session.model_dump())

    async def log_in(self, name: str, password: str, device: str | None = None) -> NewSession | Challenge:
        """A session, or the challenge where a second factor is on. Raises Problem 401, or 429 after too many
        wrong passwords (on this device, if the account was signed in on it before)."""
        credential = await self._accounts.credential(name)
        hashed = credential.password_hash if credential else None
        if device is not None and (credential is None or not self._is_of(credential.user, device)):
            device = None
        with self._guesses.guess(name, device) as guess:
            right = await self._passwords.matches(hashed, password)
            guess.wrong = not right
        if credential is None or hashed is None or not right:
            raise Problem(401, "wrong-credentials", "Wrong handle or password")
        if credential.totp_secret is None:
            return self._session(credential.user)
        return Challenge(challenge=self._keys.issue_for(_CHALLENGE, credential.user, self._challenge_seconds))

    async def answer_challenge(self, challenge: str, code: str) -> NewSession:
        """The second step of a login. Raises Problem 401 for a challenge or a code that is not good, 503
        while no codes are checked."""
        self._raise_if_off()
        user = self._keys.verify_for(_CHALLENGE, challenge)
        if user is None:
            raise Problem(401, "unknown-challenge", "The challenge is not good any more, log in again")
        secret = await self._accounts.totp_secret(user.id, "totp")
        if secret is None:
            raise Problem(401, "unknown-challenge", "The second factor is off now, log in again")
        step = matching_step(secret, code)
        _raise_unless_ok(await self._accounts.use_code(user.id, secret, step, "log-in"), status=401)
        return self._session(user)

    async def log_out(self, token: str) -> None:
        """End the session of a token. Raises Problem 401 when it is none."""
        await self._revocations.revoke(self._keys.verify(token))

    async def log_out_everywhere(self, user: User) -> None:
        """End all sessions that the account has now."""
        await self._revocations.revoke_all(user, self._session_seconds)

    async def has_second_factor(self, user: User) -> bool:
        """Whether a second factor is on."""
        return await self._accounts.totp_secret(user.id, "totp") is not None

    async def enrol(self, user: User) -> Enrolment:
        """Begin to use a second factor. Raises Problem 409 when one is on."""
        secret = new_secret()
        await self._accounts.enrol(user.id, secret)
        return Enrolment(secret=secret, uri=uri(secret, user.name))

    async def confirm(self, user: User, code: str) -> None:
        """Switch the second factor on. Raises Problem 403 for a wrong code, 409 when none is enrolled, 503
        while no codes are checked."""
        self._raise_if_off()
        secret = await self._accounts.totp_secret(user.id, "totp_pending")
        if secret is None:
            raise Problem(409, "not-enrolled", "No second factor waits to be confirmed")
        outcome = await self._accounts.use_code(user.id, secret, matching_step(secret, code), "confirm")
        _raise_unless_ok(outcome, status=403)

    async def disable(self, user: User, code: str) -> None:
        """Switch the second factor off. Raises Problem 403 for a wrong code, 409 when it is off already, 503
        while no codes are checked."""
        self._raise_if_off()
        secret = await self._accounts.totp_secret(user.id, "totp")
        if secret is None:
            raise Problem(409, "second-factor-off", "No second factor is on")
        outcome = await self._accounts.use_code(user.id, secret, matching_step(secret, code), "disable")
        _raise_unless_ok(outcome, status=403)

    def _raise_if_off(self) -> None:
        if not self._configuration.value(SECOND_FACTOR):
            raise Problem(
                503,
                "codes-not-checked",
                "Codes are not checked at the moment",
                f"The configuration has {SECOND_FACTOR} off.",
                {"Retry-After": "5"},
            )

    def _session(self, user: User) -> NewSession:
        token = self._keys.issue(user, self._session_seconds)
        expires = datetime.fromtimestamp(self._keys.verify(token).expires, UTC)
        device = self._keys.issue_for(_DEVICE, user, DEVICE_SECONDS)
        return NewSession(token=token, expires=expires, device=device)

    def _is_of(self, user: User, device: str) -> bool:
        known = self._keys.verify_for(_DEVICE, device)
        return known is not None and known.id == user.id


def bearer_token(authorization: str | None) -> str:
    """The token of an Authorization header. Raises Problem 401."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise not_signed_in("Authorization must be of the form: Bearer TOKEN.")
    return token


def _raise_unless_ok(outcome: str, status: int) -> None:
    if outcome == "wrong":
        raise Problem(status, "wrong-code", "Wrong code")
    if outcome == "used":
        raise Problem(status, "code-used", "This code was used already, wait for the next one")
    if outcome == "too-many":
        raise Problem(429, "too-many-codes", "Too many wrong codes", headers={"Retry-After": "60"})
