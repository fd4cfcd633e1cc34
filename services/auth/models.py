"""What goes in and out of the auth service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.platform.identity import LARGEST_ID
from services.platform.models import Account

HANDLE_PATTERN = r"^[A-Za-z0-9_]{1,15}$"

Handle = Annotated[str, Field(pattern=HANDLE_PATTERN, examples=["ann"])]
Password = Annotated[str, Field(min_length=8, max_length=200, examples=["correct horse"])]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["123456"])]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignUp(_Strict):
    """A new account."""

    name: Handle
    password: Password


class Login(_Strict):
    """A handle and its password; and `device`, as the last login on this device answered it, if there was
    one: then nobody who guesses passwords elsewhere can get in the way."""

    name: Annotated[str, Field(max_length=100, examples=["ann"])]
    password: Annotated[str, Field(max_length=200, examples=["correct horse"])]
    device: Annotated[str, Field(max_length=2048)] | None = None


class SecondFactor(_Strict):
    """The answer to a challenge."""

    challenge: Annotated[str, Field(max_length=2048)]
    code: Code


class CodeOnly(_Strict):
    """A code of the second factor."""

    code: Code


class NewSession(BaseModel):
    """A session: send its token as `Authorization: Bearer TOKEN` until it expires. Keep `device` beyond its
    end, and send it with the next login."""

    token: str
    expires: datetime
    device: str


class NewAccount(Account, NewSession):
    """An account that was just made, and its first session."""


class Challenge(BaseModel):
    """The password was right; the second factor is asked for."""

    challenge: str


class SecondFactorState(BaseModel):
    """Whether a code is asked for at each login."""

    on: bool


class Enrolment(BaseModel):
    """The secret of a second factor, for an authenticator app; good once it is confirmed."""

    secret: str
    uri: str


class ImportedAccount(BaseModel):
    """A line of a bulk import."""

    id: int = Field(gt=0, le=LARGEST_ID)
    name: Handle
    password_hash: str = Field(max_length=500)
    protected: bool = False
    created: str = Field(max_length=40)
