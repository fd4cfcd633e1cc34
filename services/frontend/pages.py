"""What the front end serves itself: the page, its files, and the site's document. All of it from memory."""

import hashlib
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from services.frontend.documents import Documents
from services.frontend.routes import PREFIX
from services.platform.problems import Problem
from services.platform.site import SiteDep

STATIC: Final = Path(__file__).parent / "static"

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""By suffix; not the machine's own table, which differs."""

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""The content security policy: nothing from elsewhere, nothing inline."""

_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


class StaticFile:
    """One file of the page, read once."""

    def __init__(self, path: Path) -> None:
        self._content = path.read_bytes()
        self._headers = {
            **_HEADERS,
            "content-type": MEDIA_TYPES[path.suffix],
            "etag": f'"{hashlib.sha256(self._content).hexdigest()[:20]}"',
        }

    def answer(self, request: Request) -> Response:
        """The file, or 304 when the client has it already."""
        known = request.headers.get("if-none-match", "")
        if self._headers["etag"] in known or known.strip() == "*":
            return Response(status_code=304, headers=self._headers)
        return Response(self._content, headers=self._headers)


def router_for(documents: Documents) -> APIRouter:
    """The routes of the page, its files and the document."""
    files = {path.name: StaticFile(path) for path in STATIC.iterdir() if path.is_file()}
    router = APIRouter(include_in_schema=False)
    reading = ["GET", "HEAD"]

    @router.api_route("/", methods=reading)
    async def page(request: Request) -> Response:
        return files["index.html"].answer(request)

    @router.api_route("/docs", methods=reading)
    async def reference(request: Request) -> Response:
        return files["docs.html"].answer(request)

    @router.api_route("/static/{name}", methods=reading)
    async def static(name: str, request: Request) -> Response:
        file = files.get(name)
        if file is None:
            raise Problem(404, "not-found", "There is nothing here")
        return file.answer(request)

    @router.api_route(f"{PREFIX}/openapi.json", methods=reading)
    async def document(site: SiteDep) -> Response:
        merged = await documents.merged(site.calls)
        return Response(merged, media_type="application/json", headers={"cache-control": "no-cache"})

    return router
