"""What the site is measured against: one bare FastAPI route that returns the same bytes, over plain HTTP.

`python -m bench.bare PORT` reads the bytes from standard input.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Response


def main() -> None:
    """Serve until told to stop."""
    body = sys.stdin.buffer.read()
    app = FastAPI()

    @app.get("/api/v1/timelines/home")
    async def home(limit: int = 20) -> Response:
        return Response(body, media_type="application/json")

    uvicorn.run(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    main()
