"""The retweet service over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from services.platform.identity import OptionalViewer, Viewer
from services.platform.models import PostId
from services.platform.problems import problem_responses
from services.platform.site import held
from services.retweet.models import Retweets
from services.retweet.store import Retweeting

router = APIRouter(prefix="/api/v1", tags=["retweets"])

RetweetingDep = Annotated[Retweeting, held("retweeting")]


@router.put("/posts/{id}/retweet", responses=problem_responses(401, 403, 404, 422, 503))
async def retweet(id: PostId, viewer: Viewer, retweeting: RetweetingDep) -> Retweets:
    """Show a post to my followers."""
    return await retweeting.retweet(id, viewer)


@router.delete("/posts/{id}/retweet", status_code=204, responses=problem_responses(401, 404, 422, 503))
async def undo_retweet(id: PostId, viewer: Viewer, retweeting: RetweetingDep) -> None:
    """Undo a retweet."""
    await retweeting.undo(id, viewer)


@router.get("/posts/{id}/retweets", responses=problem_responses(404, 422, 503))
async def read_retweets(id: PostId, viewer: OptionalViewer, retweeting: RetweetingDep) -> Retweets:
    """How often a post was retweeted."""
    return await retweeting.count(id, viewer)
