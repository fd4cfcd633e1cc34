"""The timeline service over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from services.platform.bulk import Imported, lines_of
from services.platform.control import ControlToken
from services.platform.identity import OptionalViewer, Viewer
from services.platform.pages import DEFAULT_PAGE, Cursor, Limit, identifier_of
from services.platform.problems import problem_responses
from services.platform.site import held
from services.timeline.models import (
    Followed,
    Handle,
    ImportedGraph,
    ImportedPosts,
    People,
    Profile,
    Timeline,
    WarmedHomes,
    place_of,
)
from services.timeline.store import Timelines

router = APIRouter(prefix="/api/v1")
control = APIRouter(include_in_schema=False, dependencies=[ControlToken])

WARM_SECONDS = 0.5
"""For which homes are filled before it is said how far that is."""

TimelinesDep = Annotated[Timelines, held("timelines")]


@router.get(
    "/timelines/home",
    response_model=Timeline,
    responses=problem_responses(400, 401, 422, 503),
    tags=["timelines"],
)
async def read_home(
    viewer: Viewer, timelines: TimelinesDep, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """What the accounts that I follow posted and retweeted, and what I did."""
    return _json(await timelines.home(viewer.id, limit, place_of(cursor)))


@router.get(
    "/timelines/users/{name}",
    response_model=Timeline,
    responses=problem_responses(400, 404, 422, 503),
    tags=["timelines"],
)
async def read_user_timeline(
    name: Handle,
    viewer: OptionalViewer,
    timelines: TimelinesDep,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = None,
) -> Response:
    """What one account posted and retweeted. Of a protected account: for its approved followers only."""
    return _json(await timelines.of_user(name, viewer, limit, place_of(cursor)))


@router.get(
    "/users/{name}", response_model=Profile, responses=problem_responses(404, 422, 503), tags=["accounts"]
)
async def read_profile(name: Handle, viewer: OptionalViewer, timelines: TimelinesDep) -> Response:
    """An account and its numbers."""
    return _json(await timelines.profile(name, viewer))


@router.put(
    "/users/{name}/follow",
    response_model=Followed,
    responses=problem_responses(401, 404, 422, 503),
    tags=["following"],
)
async def follow(name: Handle, viewer: Viewer, timelines: TimelinesDep) -> Response:
    """Follow an account; a protected one is asked."""
    state = await timelines.follow(viewer, name)
    return _json(b'{"state":"%s"}' % state.encode())


@router.delete(
    "/users/{name}/follow",
    status_code=204,
    responses=problem_responses(401, 404, 422, 503),
    tags=["following"],
)
async def unfollow(name: Handle, viewer: Viewer, timelines: TimelinesDep) -> None:
    """Stop following an account, or asking it."""
    await timelines.unfollow(viewer, name)


@router.get(
    "/users/{name}/followers",
    response_model=People,
    responses=problem_responses(400, 404, 422, 503),
    tags=["following"],
)
async def read_followers(
    name: Handle,
    viewer: OptionalViewer,
    timelines: TimelinesDep,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = None,
) -> Response:
    """Who follows an account. Of a protected account: for its approved followers only."""
    return _json(await timelines.people("followers", name, viewer, limit, identifier_of(cursor)))


@router.get(
    "/users/{name}/following",
    response_model=People,
    responses=problem_responses(400, 404, 422, 503),
    tags=["following"],
)
async def read_following(
    name: Handle,
    viewer: OptionalViewer,
    timelines: TimelinesDep,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = None,
) -> Response:
    """Whom an account follows. Of a protected account: for its approved followers only."""
    return _json(await timelines.people("following", name, viewer, limit, identifier_of(cursor)))


@router.get(
    "/me/suggestions", response_model=People, responses=problem_responses(401, 422, 503), tags=["following"]
)
async def read_suggestions(viewer: Viewer, timelines: TimelinesDep, limit: Limit = DEFAULT_PAGE) -> Response:
    """Whom I might follow: whom many others follow. There is one page."""
    return _json(await timelines.suggestions(viewer, limit))


@router.get(
    "/me/follow-requests",
    response_model=People,
    responses=problem_responses(400, 401, 422, 503),
    tags=["following"],
)
async def read_follow_requests(
    viewer: Viewer, timelines: TimelinesDep, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """Who asks to follow me."""
    return _json(await timelines.people("requests", "", viewer, limit, identifier_of(cursor)))


@router.put(
    "/me/follow-requests/{name}",
    status_code=204,
    responses=problem_responses(401, 404, 422, 503),
    tags=["following"],
)
async def approve_follower(name: Handle, viewer: Viewer, timelines: TimelinesDep) -> None:
    """Let somebody follow me."""
    await timelines.decide(viewer, name, "approve")


@router.delete(
    "/me/follow-requests/{name}",
    status_code=204,
    responses=problem_responses(401, 404, 422, 503),
    tags=["following"],
)
async def deny_follower(name: Handle, viewer: Viewer, timelines: TimelinesDep) -> None:
    """Refuse somebody who asks to follow me. Who neither asks nor follows is refused already."""
    await timelines.decide(viewer, name, "deny")


@router.delete(
    "/me/followers/{name}",
    status_code=204,
    responses=problem_responses(401, 404, 422, 503),
    tags=["following"],
)
async def remove_follower(name: Handle, viewer: Viewer, timelines: TimelinesDep) -> None:
    """End that somebody follows me."""
    await timelines.remove_follower(viewer, name)


@control.post("/-/import", response_model=Imported)
async def import_lines(request: Request, timelines: TimelinesDep) -> Imported:
    """Load a graph, then timelines, in bulk from NDJSON; loading them twice changes nothing."""
    lines = lines_of(await request.body(), _IMPORTED, "A line is not what is imported here")
    await timelines.load(lines)
    return Imported(imported=len(lines))


@control.post("/-/homes/warm", response_model=WarmedHomes)
async def warm_homes(warmed: WarmedHomes, timelines: TimelinesDep) -> WarmedHomes:
    """Fill homes that lack what those wrote whom their owners follow, and say how far that is. Whoever asks
    goes on with what was answered, until it has no cursor."""
    return await timelines.warm(warmed, WARM_SECONDS)


_IMPORTED: TypeAdapter[ImportedGraph | ImportedPosts] = TypeAdapter(ImportedGraph | ImportedPosts)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
