"""The control endpoints under `/-/` and the metrics: on the internal listener only, out of the OpenAPI
document.

Health, readiness and metrics need a certificate of the site; all others need its control token as well.
"""

from __future__ import annotations

import os
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, StrictBool

from services.platform.calls import Reached
from services.platform.configuration.document import Document
from services.platform.injection.points import MOST_FAULTS
from services.platform.injection.scrapes import can_be_scraped
from services.platform.injection.spec import BY_HAND, FaultSpec
from services.platform.metrics import CONTENT_TYPE
from services.platform.problems import Problem
from services.platform.site import SiteDep


async def require_control_token(request: Request, site: SiteDep) -> None:
    """A dependency: 401 problem unless the request carries the site's control token as its bearer."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        expected = (site.settings.secrets / "token").read_bytes().strip()
    except OSError:
        expected = b""
    given = token.strip().encode("utf-8", "surrogateescape")
    if not expected or scheme.lower() != "bearer" or not secrets.compare_digest(given, expected):
        raise Problem(
            401,
            "control-token-needed",
            "This needs the site's control token",
            headers={"WWW-Authenticate": 'Bearer realm="failwhale-control"'},
        )


ControlToken = Depends(require_control_token)
"""For routes of a service under `/-/` (bulk import): `dependencies=[ControlToken]`."""

FaultId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._:@-]{1,100}$")]

router = APIRouter(include_in_schema=False)
guarded = APIRouter(include_in_schema=False, dependencies=[ControlToken])


@router.get("/-/health")
async def health(site: SiteDep) -> dict[str, str]:
    """The loop turns, and this release runs."""
    return {"status": "alive", "release": site.settings.release}


@router.get("/-/ready")
async def ready(site: SiteDep) -> dict[str, str]:
    """Whether this part can serve, and if not why: 503 with the reasons."""
    if site.faults.of("health-check-lies") is not None:
        return {"status": "ready"}
    reasons = await site.reasons_not_ready()
    if reasons:
        raise Problem(503, "not-ready", "Not ready", "; ".join(reasons), headers={"Retry-After": "1"})
    return {"status": "ready"}


@router.get("/metrics")
async def metrics(site: SiteDep) -> Response:
    if not await can_be_scraped(site.faults):
        raise Problem(503, "no-metrics", "There are no metrics")
    return Response(site.metrics.expose(), headers={"content-type": CONTENT_TYPE})


@guarded.get("/-/info")
async def info(site: SiteDep) -> dict[str, Any]:
    """What runs here."""
    settings = site.settings
    return {
        "service": settings.service,
        "place": settings.place,
        "release": settings.release,
        "pid": os.getpid(),
        "protections": site.protections.states(),
        "configuration": site.configuration.current.version,
    }


@guarded.get("/-/configuration")
async def configuration(site: SiteDep) -> dict[str, Any]:
    """By which document of the configuration this part goes, and by which it went before."""
    held = site.configuration
    return {
        "version": held.current.version,
        "document": held.current.text(),
        "former": held.former.text() if held.former else None,
        "since": held.since,
        "refused": held.refused,
        "unread_seconds": held.unread_seconds,
    }


@guarded.get("/-/reach")
async def reach(site: SiteDep) -> dict[str, Reached]:
    """What a new connection from here to each part that it calls gets now, and to the store."""
    return await site.reach()


class Handed(BaseModel):
    """A document as it is stored."""

    model_config = ConfigDict(extra="forbid")

    document: str


@guarded.put("/-/configuration")
async def hand_configuration(handed: Handed, site: SiteDep) -> dict[str, Any]:
    """Go by this document, if it is newer: for when it cannot be read from the store. Answers as GET."""
    try:
        site.configuration.take(Document.parse(handed.document))
    except ValueError as error:
        raise Problem(422, "no-document", "This is no document", str(error)) from None
    return await configuration(site)


@guarded.get("/-/faults")
async def faults(site: SiteDep) -> list[dict[str, Any]]:
    """The faults that are set, and how many requests each has hurt."""
    return [site.faults.told(applied) for applied in site.faults.active()]


@guarded.put("/-/faults/{identifier}")
async def put_fault(identifier: FaultId, fault: FaultSpec, site: SiteDep) -> dict[str, Any]:
    """Set a fault, or set it anew."""
    if not site.faults.has_room_for(identifier):
        raise Problem(409, "too-many-faults", "Too many faults are set", f"At most {MOST_FAULTS}.")
    return site.faults.told(site.faults.put(identifier, fault))


@guarded.delete("/-/faults/{identifier}")
async def delete_fault(identifier: FaultId, site: SiteDep) -> dict[str, Any]:
    """End a fault; one that is not set (any more) is ended already, so that this can be asked twice."""
    applied = site.faults.remove(identifier)
    return {"id": identifier, "removed": applied is not None, "hits": applied.hits if applied else 0}


@guarded.post("/-/set-right/{what}")
async def set_right(what: str, site: SiteDep) -> dict[str, Any]:
    """Have something as it should be that an engineer looks after by hand: the clock synchronised, the key
    that signs sessions read anew, consumers taking events again."""
    if what not in BY_HAND:
        known = ", ".join(BY_HAND)
        raise Problem(404, "nothing-to-set-right", "That cannot be set right", f"There are {known}.")
    site.faults.end(lambda applied: applied.fault.kind in BY_HAND[what])
    return {"set_right": what}


@guarded.get("/-/protections")
async def protections(site: SiteDep) -> dict[str, bool]:
    """Each protection and whether it is on."""
    return site.protections.states()


class Switch(BaseModel):
    """On or off."""

    model_config = ConfigDict(extra="forbid")

    on: StrictBool


@guarded.put("/-/protections/{name}")
async def switch_protection(name: str, switch: Switch, site: SiteDep) -> dict[str, bool]:
    """Switch one protection; answers with all of them."""
    try:
        site.protections.switch(name, switch.on)
    except KeyError:
        known = ", ".join(site.protections.states())
        raise Problem(404, "unknown-protection", "No such protection", f"There are {known}.") from None
    return site.protections.states()
