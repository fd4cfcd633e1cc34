"""The post service over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from pydantic import TypeAdapter

from services.platform.bulk import Imported, lines_of
from services.platform.control import ControlToken
from services.platform.idempotency import KEY_SECONDS_HEADER
from services.platform.identity import OptionalViewer, Viewer
from services.platform.keys import KEY_KEPT_SECONDS
from services.platform.models import Post, PostId
from services.platform.problems import problem_responses
from services.platform.site import held
from services.post.blocked import Blocked
from services.post.models import CreatedPost, ImportedPost, Likes, NewPost
from services.post.store import Posts

router = APIRouter(prefix="/api/v1", tags=["posts"])
control = APIRouter(include_in_schema=False, dependencies=[ControlToken])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=64,
        pattern=r"^[!-~]*$",
        description="Posting again with the same key and text within 24 hours answers with the same post.",
    ),
]

# A key that the front end made up serves the repeats of one request, and need not outlive that by a day.
KeySeconds = Annotated[
    int, Header(alias=KEY_SECONDS_HEADER, include_in_schema=False, ge=1, le=KEY_KEPT_SECONDS)
]

PostsDep = Annotated[Posts, held("posts")]


@router.post(
    "/posts", status_code=201, response_model=CreatedPost, responses=problem_responses(401, 410, 422, 503)
)
async def create_post(
    new: NewPost,
    viewer: Viewer,
    posts: PostsDep,
    blocked: Annotated[Blocked, held("blocked")],
    idempotency_key: IdempotencyKey = None,
    key_seconds: KeySeconds = KEY_KEPT_SECONDS,
) -> Response:
    """Post a text."""
    blocked.refuse(new.text)
    created = await posts.create(viewer, new.text, idempotency_key, key_seconds)
    replicated = b"true" if created.replicated else b"false"
    return _json(created.json[:-1] + b',"replicated":' + replicated + b"}", 201)


@router.get("/posts/{id}", response_model=Post, responses=problem_responses(404, 422, 503))
async def read_post(id: PostId, viewer: OptionalViewer, posts: PostsDep) -> Response:
    """One post. Posts of protected accounts are there for their approved followers only."""
    return _json(await posts.read(id, viewer))


@router.delete("/posts/{id}", status_code=204, responses=problem_responses(401, 403, 404, 422, 503))
async def delete_post(id: PostId, viewer: Viewer, posts: PostsDep) -> None:
    """Delete a post of one's own. Repeating it within ten minutes changes nothing."""
    await posts.delete(id, viewer)


@router.get("/posts/{id}/likes", responses=problem_responses(404, 422, 503))
async def read_likes(id: PostId, viewer: OptionalViewer, posts: PostsDep) -> Likes:
    """How often a post is liked."""
    return await posts.likes(id, viewer)


@router.put("/posts/{id}/like", status_code=204, responses=problem_responses(401, 404, 422, 503))
async def like_post(id: PostId, viewer: Viewer, posts: PostsDep) -> None:
    """Like a post."""
    await posts.like(id, viewer)


@router.delete("/posts/{id}/like", status_code=204, responses=problem_responses(401, 404, 422, 503))
async def unlike_post(id: PostId, viewer: Viewer, posts: PostsDep) -> None:
    """Take a like back."""
    await posts.unlike(id, viewer)


@router.put("/me/protection", status_code=204, responses=problem_responses(401, 503))
async def protect_account(viewer: Viewer, posts: PostsDep) -> None:
    """Show my posts only to followers whom I approved."""
    await posts.protect(viewer, True)


@router.delete("/me/protection", status_code=204, responses=problem_responses(401, 503))
async def unprotect_account(viewer: Viewer, posts: PostsDep) -> None:
    """Show my posts to everybody."""
    await posts.protect(viewer, False)


@control.post("/-/import", response_model=Imported)
async def import_posts(request: Request, posts: PostsDep) -> Imported:
    """Load posts in bulk from NDJSON; those that exist stay as they are."""
    lines = lines_of(await request.body(), _IMPORTED_POST, "A line is not a post")
    await posts.load(lines)
    return Imported(imported=len(lines))


_IMPORTED_POST = TypeAdapter(ImportedPost)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")
