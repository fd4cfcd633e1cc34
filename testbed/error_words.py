"""What an attempt of a user saw, in people's words: `post@east refused the connection`.

The record has it as the client and the services put it, with codes, addresses and what Python called it. That
stays in JSON; a person is told who did what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from foundation.failure import Failure
from foundation.state import State
from testbed.sitefile import SiteFile


class Named(Protocol):
    """A part, as the inventory or site.json has it."""

    @property
    def name(self) -> str: ...
    @property
    def compose_name(self) -> str: ...
    @property
    def addresses(self) -> Mapping[str, str]: ...


Names = Mapping[str, str]
"""The part that has an address, by host:port."""

A_PART = "a part"
"""Who listens at an address of this machine that no part has, or has any more."""

IN_DOUBT = "whether the write was done is not known: "
"""What a service says before the reason, for whoever may repeat the write."""

LOOPBACK = ("127.0.0.1", "localhost")
_ADDRESS = re.compile(r"(?:[A-Za-z0-9][\w.-]*|\[[0-9a-fA-F:]+\]):\d{1,5}\b")
_OF_PYTHON = (
    (re.compile(r"\[Errno -?\d+\] ?"), ""),
    (re.compile(r"Connect call failed \('([^']+)', (\d+)\)"), r"\1:\2: connection refused"),
    (re.compile(r"\b[A-Z]\w*(?:Error|Exception)\((?:'([^']*)'|\"([^\"]*)\")?.*?\)"), r"\1\2"),
    (re.compile(r"\bb'([^']*)'"), r"\1"),
    (re.compile(r"\bb\"([^\"]*)\""), r"\1"),
)
_REFUSED = re.compile(r"(?P<who>\S+|a part): connection refused$", re.I)
_NAMED = re.compile(r"The service (?P<service>[\w@-]+)\.?")
_ROLES = {"master": "the primary", "slave": "a replica"}


def names_of(parts: Iterable[Named]) -> dict[str, str]:
    """The addresses of these parts: on this machine, and inside Docker's networks."""
    names: dict[str, str] = {}
    for part in parts:
        for port, address in part.addresses.items():
            number = address.rpartition(":")[2]
            for host in (address, *(f"{host}:{number}" for host in LOOPBACK), f"{part.compose_name}:{port}"):
                names.setdefault(host, part.name)
    return names


def names_in(state: State) -> dict[str, str]:
    """The same for the site of a state folder; none where none can be read."""
    with suppress(Failure):
        site = SiteFile.read_if_made(state)
        return names_of(site.parts) if site is not None else {}
    return {}


def spell_error(raw: str, names: Names) -> str:
    """An error of the record for a person; empty for none, and for what was only slow."""
    kind, _, detail = raw.partition(": ")
    match kind:
        case "" | "slow":
            return ""
        case "refused":
            return _plain(detail, names) or "the connection was refused"
        case "time-out":
            return _late(detail, names)
        case "handshake":
            return _handshake(detail, names)
        case "closed":
            return _closed(detail, names)
        case "status":
            return _refusal(detail, names)
        case "wrong-content":
            return _wrong(detail, names)
    return _plain(raw, names)


def spell_no_data(raw: str, names: Names) -> str:
    """Why a journey cannot be measured, for a person: `post fails: post@east refused the connection`."""
    journey, _, why = raw.partition(": ")
    if not journey:
        return ""
    words = spell_error(why, names)
    return f"{journey} fails{f': {words}' if words else ''}"


def _closed(detail: str, names: Names) -> str:
    """`detail` says when, or what else ended: the stream, or HTTP."""
    why = _plain(detail, names)
    if not why or why.startswith("before "):
        return f"the connection was closed {why}".rstrip()
    return f"the connection was closed: {why}"


def _late(detail: str, names: Names) -> str:
    who, _, connecting = _plain(detail, names).partition(": no connection in ")
    if connecting:
        return f"{who} took no connection within {connecting}"
    return f"no answer in time: {who}" if who else "no answer in time"


def _handshake(detail: str, names: Names) -> str:
    detail = _plain(detail, names)
    if detail.startswith("certificate "):  # has expired, is not yet valid
        return f"the {detail}"
    if detail.startswith("Hostname mismatch"):
        return "the certificate is for another name"
    if "unable to get local issuer certificate" in detail:
        return "the certificate is of an unknown CA"
    return f"no TLS connection: {detail}" if detail else "no TLS connection"


def _wrong(detail: str, names: Names) -> str:
    """Content of another form than was promised is told without the exception that reading it raised."""
    step, colon, rest = detail.partition(": ")
    if colon and re.match(r"[A-Z]\w*Error\b", rest):
        return f"an answer of another form to {step}"
    return _plain(detail, names) or "another content"


def _refusal(detail: str, names: Names) -> str:
    """An answer with a status: what the problem document says of services, else status and slug."""
    status, _, problem = detail.partition(" ")
    slug, _, said = problem.partition(": ")
    if named := _NAMED.fullmatch(said):
        return _failure_of(named["service"], status, slug)
    match slug:
        case "service-unreachable":
            service, _, why = said.partition(": ")
            why = _plain(why, names)
            if why.startswith(A_PART):
                return f"{service}{why.removeprefix(A_PART)}"
            return why if "@" in why.partition(" ")[0] else f"{service} cannot be reached: {why}"
        case "service-too-slow":
            return f"{said} did not answer in time"
        case "too-late":
            return f"there was no time left {said[:1].lower()}{said[1:].rstrip('.')}"
        case "store-unavailable":
            why = _plain(said.removeprefix(IN_DOUBT), names)
            return f"the store cannot be reached: {why}".removesuffix(": ")
        case "not-replicated":
            return "no replica has the write"
    said = _plain(said, names)
    return f"the site answered {status} {slug}{f': {said}' if said else ''}".rstrip()


def _failure_of(service: str, status: str, slug: str) -> str:
    """What the public is told of a failure is its kind, and the service; a former record has the reason."""
    match slug:
        case "service-unreachable":
            return f"{service} cannot be reached"
        case "service-too-slow":
            return f"{service} did not answer in time"
        case "store-unavailable":
            return f"{service} cannot reach the store"
        case "not-replicated":
            return f"no replica has what {service} wrote"
        case "too-late":
            return f"there was no time left for {service}"
    return f"{service} answered {status} {slug}"


def _plain(text: str, names: Names) -> str:
    """Without addresses and without Python: who refused, closed, or is not what was expected."""
    for pattern, by in _OF_PYTHON:
        text = pattern.sub(by, text)
    text = _ADDRESS.sub(lambda found: _name(found.group(), names), text)
    if refused := _REFUSED.match(text):
        return f"{refused['who']} refused the connection"
    if role := re.match(r"(\S+|a part) is (?:not (\w+) but says|no primary any more:) \[?(\w+)", text):
        return f"{role[1]} is {_ROLES.get(role[3], role[3])} and not {_ROLES.get(role[2] or 'master')}"
    return " ".join(text.split()).strip(" :")


def _name(address: str, names: Names) -> str:
    known = names.get(address)
    if known is None and address.rpartition(":")[0] in LOOPBACK:
        return A_PART
    return known or address
