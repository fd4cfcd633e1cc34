"""GET /api/v1/openapi.json: the documents of the services merged into that of the site.

They are asked of the services that run, so that the document tells what is really served, and kept a while.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from services.frontend.routes import EdgeRouteTable
from services.platform.calls import Caller
from services.platform.problems import Problem

KEPT_SECONDS: Final = 10.0
"""How long a merged document is served before the services are asked again."""

SCHEME: Final = "session"

Document = dict[str, Any]


class Documents:
    """The site's document, and the services that it is made from."""

    def __init__(self, table: EdgeRouteTable, release: str) -> None:
        self._table = table
        self._release = release
        self._known: dict[str, Document] = {}
        """The last document of each service: one that is down has not changed what it promises."""
        self._merged = b""
        self._fresh_until = 0.0
        self._asking = asyncio.Lock()

    async def merged(self, calls: Mapping[str, Caller]) -> bytes:
        """The site's OpenAPI document as JSON.

        Raises Problem 503 or 504 when a service is down that has not been heard of yet.
        """
        async with self._asking:
            if time.monotonic() >= self._fresh_until:
                await asyncio.gather(*(self._ask(service, calls) for service in self._table.services))
                self._merged = json.dumps(merge(self._known, self._table, self._release)).encode("ascii")
                self._fresh_until = time.monotonic() + KEPT_SECONDS
        return self._merged

    async def _ask(self, service: str, calls: Mapping[str, Caller]) -> None:
        try:
            answer = await calls[service].send(b"GET", b"/openapi.json", idempotent=True)
            if answer.status != 200:
                raise Problem(
                    503, "document-missing", "The document is not complete", f"The service {service}."
                )
            self._known[service] = json.loads(answer.body)
        except Problem:
            if service not in self._known:
                raise


def merge(documents: Mapping[str, Document], table: EdgeRouteTable, release: str) -> Document:
    """One document with the operations that the front end routes, as its clients see them."""
    public = {(route.service, route.method.lower(), _shape(route.template)) for route in table.routes}
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    for service in sorted(documents):
        document = _with_own_schemas(documents[service], service, schemas)
        schemas.update(document.get("components", {}).get("schemas", {}))
        for path, operations in document.get("paths", {}).items():
            for method, operation in operations.items():
                if (service, method, _shape(path)) in public:
                    paths.setdefault(path, {})[method] = _as_public(operation, service)
    return {
        "openapi": "3.1.0",
        "info": {"title": "failwhale", "version": release, "description": "A social network you can break."},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {SCHEME: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _shape(template: str) -> str:
    """The path without the names of its parameters, which are the service's own choice."""
    return re.sub(r"\{[^}]*\}", "{}", template)


def _as_public(operation: Document, service: str) -> Document:
    """The operation with a bearer token in place of the headers that the front end makes of it."""
    public = {**operation, "tags": [service]}
    if "security" in operation:
        public["security"] = [{SCHEME: []} if alternative else {} for alternative in operation["security"]]
    return public


def _with_own_schemas(document: Document, service: str, taken: Mapping[str, Any]) -> Document:
    """The document, with each schema renamed that another service uses for something else."""
    text = json.dumps(document)
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        if taken.get(name, schema) != schema:
            own = f"{service.capitalize()}{name}"
            text = text.replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/{own}"')
            text = text.replace(f'"{name}": {{', f'"{own}": {{', 1)
    renamed: Document = json.loads(text)
    return renamed
