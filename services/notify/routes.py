"""The notify service over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from services.notify.live import LiveNotifications
from services.notify.models import LastEventId, Notifications, ReadUpTo, Unread
from services.notify.store import Inbox
from services.platform.identity import Viewer
from services.platform.pages import DEFAULT_PAGE, Cursor, Limit, identifier_of
from services.platform.problems import problem_responses
from services.platform.site import held

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])

InboxDep = Annotated[Inbox, held("inbox")]
LiveDep = Annotated[LiveNotifications, held("live")]


@router.get("", response_model=Notifications, responses=problem_responses(400, 401, 422, 503))
async def read_notifications(
    viewer: Viewer, inbox: InboxDep, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """What others did that concerns me."""
    page = await inbox.page(viewer.id, limit, identifier_of(cursor))
    return Response(page, media_type="application/json")


@router.get("/unread", responses=problem_responses(401, 503))
async def count_unread(viewer: Viewer, inbox: InboxDep) -> Unread:
    """How many notifications I have not read."""
    return Unread(count=await inbox.unread(viewer.id))


@router.put("/read", status_code=204, responses=problem_responses(401, 422, 503))
async def mark_read(read: ReadUpTo, viewer: Viewer, inbox: InboxDep) -> None:
    """I have read all notifications up to this one."""
    await inbox.mark_read(viewer.id, read.up_to)


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events `notification`; `data` is a notification, `id` its id.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problem_responses(401, 422, 503),
    },
)
async def stream_notifications(
    viewer: Viewer, inbox: InboxDep, live: LiveDep, last_event_id: LastEventId = None
) -> StreamingResponse:
    """Notifications as they happen."""
    live.raise_unless_hearing()
    last = int(last_event_id) if last_event_id else await inbox.newest(viewer.id)

    async def frames() -> AsyncIterator[bytes]:
        with live.stream(viewer.id, last) as stream:
            await live.subscribe(viewer.id)
            async for frame in stream.frames(inbox):
                yield frame

    return StreamingResponse(frames(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
