"""The auth service over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import TypeAdapter

from services.auth.models import (
    Challenge,
    CodeOnly,
    Enrolment,
    ImportedAccount,
    Login,
    NewAccount,
    NewSession,
    SecondFactor,
    SecondFactorState,
    SignUp,
)
from services.auth.service import Auth, bearer_token
from services.auth.store import Accounts
from services.platform.bulk import Imported, lines_of
from services.platform.control import ControlToken
from services.platform.identity import Viewer
from services.platform.problems import problem_responses
from services.platform.site import held

router = APIRouter(prefix="/api/v1")
control = APIRouter(include_in_schema=False, dependencies=[ControlToken])

AuthDep = Annotated[Auth, held("auth")]


@router.post("/accounts", status_code=201, responses=problem_responses(409, 422, 503), tags=["accounts"])
async def sign_up(new: SignUp, auth: AuthDep) -> NewAccount:
    """Make an account; its first session comes with it."""
    return await auth.sign_up(new.name, new.password)


@router.post("/sessions", responses=problem_responses(401, 422, 429, 503), tags=["sessions"])
async def log_in(login: Login, auth: AuthDep) -> NewSession | Challenge:
    """Log in with a password. Where a second factor is on, the answer is a challenge instead of a session."""
    return await auth.log_in(login.name, login.password, login.device)


@router.post("/sessions/second-factor", responses=problem_responses(401, 422, 429, 503), tags=["sessions"])
async def answer_challenge(answer: SecondFactor, auth: AuthDep) -> NewSession:
    """The second step of a login."""
    return await auth.answer_challenge(answer.challenge, answer.code)


@router.delete("/sessions/current", status_code=204, responses=problem_responses(401, 503), tags=["sessions"])
async def log_out(request: Request, viewer: Viewer, auth: AuthDep) -> None:
    """End this session."""
    await auth.log_out(bearer_token(request.headers.get("authorization")))


@router.delete("/sessions", status_code=204, responses=problem_responses(401, 503), tags=["sessions"])
async def log_out_everywhere(viewer: Viewer, auth: AuthDep) -> None:
    """End all my sessions."""
    await auth.log_out_everywhere(viewer)


@router.get("/me/second-factor", responses=problem_responses(401, 503), tags=["second factor"])
async def second_factor(viewer: Viewer, auth: AuthDep) -> SecondFactorState:
    """Whether my second factor is on."""
    return SecondFactorState(on=await auth.has_second_factor(viewer))


@router.post(
    "/me/second-factor", status_code=201, responses=problem_responses(401, 409, 503), tags=["second factor"]
)
async def enrol(viewer: Viewer, auth: AuthDep) -> Enrolment:
    """Begin to use a second factor; a code must confirm it."""
    return await auth.enrol(viewer)


@router.post(
    "/me/second-factor/confirm",
    status_code=204,
    responses=problem_responses(401, 403, 409, 422, 429, 503),
    tags=["second factor"],
)
async def confirm(given: CodeOnly, viewer: Viewer, auth: AuthDep) -> None:
    """Switch the second factor on."""
    await auth.confirm(viewer, given.code)


@router.delete(
    "/me/second-factor",
    status_code=204,
    responses=problem_responses(401, 403, 409, 422, 429, 503),
    tags=["second factor"],
)
async def disable(given: CodeOnly, viewer: Viewer, auth: AuthDep) -> None:
    """Switch the second factor off."""
    await auth.disable(viewer, given.code)


@control.post("/-/import")
async def import_accounts(request: Request, accounts: Annotated[Accounts, held("accounts")]) -> Imported:
    """Load accounts in bulk from NDJSON; loading them twice changes nothing."""
    lines = lines_of(await request.body(), _IMPORTED, "A line is not an account")
    await accounts.load(lines)
    return Imported(imported=len(lines))


_IMPORTED = TypeAdapter(ImportedAccount)
