"""Accounts and credentials in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from services.auth.models import ImportedAccount
from services.platform import keys
from services.platform.events.log import append_lua
from services.platform.identity import User
from services.platform.ids import created_at
from services.platform.lua import fragment
from services.platform.problems import Problem
from services.platform.store import Script, Store
from services.platform.worker_ids import WorkerIds

_PACKAGE = "services.auth"
_SIGN_UP = Script(append_lua() + fragment(_PACKAGE, "sign_up"))
_CREDENTIAL = Script(fragment(_PACKAGE, "credential"))
_ENROL = Script(fragment(_PACKAGE, "enrol"))
_USE_CODE = Script(fragment(_PACKAGE, "use_code"))
_IMPORT = Script(fragment(_PACKAGE, "import"))

_IMPORTED_AT_ONCE = 200


class Credential(NamedTuple):
    """What a login needs to know of an account."""

    user: User
    password_hash: str | None
    totp_secret: str | None


class Accounts:
    """What can be done with accounts. Every method raises the store's problems as well."""

    def __init__(self, store: Store, ids: WorkerIds) -> None:
        self._store = store
        self._ids = ids

    async def sign_up(self, name: str, password_hash: str) -> User:
        """Make an account. Raises Problem 409 when its handle is taken, in whatever case."""
        outcome = b"id-taken"
        while outcome == b"id-taken":
            user = User(await self._ids.next(), name)
            created = created_at(user.id)
            args = (user.id, name, name.lower(), password_hash, created, await self._ids.next())
            outcome = (await self._store.write(_SIGN_UP, (), args, repeatable=True)).value
        if outcome == b"handle-taken":
            raise handle_taken(name)
        return user

    async def exists(self, name: str) -> bool:
        """Whether a handle is taken."""
        return bool(await self._store.query("EXISTS", keys.handle(name)))

    async def credential(self, name: str) -> Credential | None:
        """The credential of a handle; None when there is no such account."""
        found = await self._store.read(_CREDENTIAL, (), (name.lower(),))
        if found is None or found[1] is None:
            return None
        identifier, handle, password_hash, totp_secret = found
        return Credential(User(int(identifier), handle.decode()), _text(password_hash), _text(totp_secret))

    async def totp_secret(self, account: int, field: Literal["totp", "totp_pending"]) -> str | None:
        """The secret of the second factor, or the one that waits to be confirmed."""
        return _text(await self._store.query("HGET", keys.credential(account), field))

    async def enrol(self, account: int, secret: str) -> None:
        """Keep a secret until it is confirmed. Raises Problem 409 when a second factor is on already."""
        if not (await self._store.write(_ENROL, (), (account, secret), repeatable=True)).value:
            raise Problem(409, "second-factor-on", "A second factor is on already")

    async def use_code(
        self,
        account: int,
        secret: str,
        step: int | None,
        purpose: Literal["log-in", "confirm", "disable"],
    ) -> Literal["ok", "used", "wrong", "too-many"]:
        """Use the code of a time step (None: it matched no step) up, and do what it was given for."""
        field = "totp_pending" if purpose == "confirm" else "totp"
        args = (account, field, secret, "" if step is None else step, purpose)
        outcome: Literal["ok", "used", "wrong", "too-many"] = (
            await self._store.write(_USE_CODE, (), args)
        ).value.decode()
        return outcome

    async def load(self, accounts: Sequence[ImportedAccount]) -> None:
        """Load accounts in bulk; loading them twice changes nothing."""
        for start in range(0, len(accounts), _IMPORTED_AT_ONCE):
            args: list[str | int] = []
            for account in accounts[start : start + _IMPORTED_AT_ONCE]:
                args += (account.id, account.name, account.name.lower(), account.password_hash)
                args += (account.created, int(account.protected))
            await self._store.write(_IMPORT, (), args, repeatable=True, replicate=False)


def handle_taken(name: str) -> Problem:
    return Problem(409, "handle-taken", "This handle is taken", f"@{name} belongs to somebody.")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
