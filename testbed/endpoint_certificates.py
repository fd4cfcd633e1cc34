"""What every endpoint of a site really presents, idle ones too; and what is done about all of them."""

from __future__ import annotations

import datetime
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from foundation.failure import USAGE, Failure
from foundation.state import State
from foundation.suggestions import unknown
from services.platform import ca_rotation, pki
from testbed import certificates
from testbed.control import Control, Unreachable
from testbed.inventory import Inventory, Part
from testbed.labels import Kind

TLS_KINDS: tuple[Kind, ...] = ("service", "link", "controller", "instrument")
"""Parts with a listener that presents a certificate; of a link it is that where faults are set."""

AT_ONCE = 8
"""Handshakes."""

LOADED_WITHIN = 10.0
"""Seconds for parts to load what changed in their folder; as a rule it takes them one."""

_FIRST = "first: failwhale certificates rotate-ca --half trust"

Endpoint = Literal["public", "internal", "client"]


@dataclass(frozen=True)
class EndpointCertificate:
    """`served` is what a fresh handshake got: `good`, why it is refused, or `no answer`. None where nobody
    can ask: a certificate that is only shown to others, of which the file is told. Days are lab days."""

    name: str
    presented_by: str
    endpoint: Endpoint
    issuer: str | None
    not_after: str | None
    days_left: float | None
    served: str | None


def look(state: State) -> list[EndpointCertificate]:
    """All of them, the first to end first, those of whom nothing is known last. Raises Failure without a
    site."""
    inventory = Inventory.of(state)
    with ThreadPoolExecutor(AT_ONCE) as together:
        rows = list(together.map(lambda one: _row(state, *one), _endpoints(inventory)))
    asked = {row.name for row in rows}
    rows += [_lying(state.pki, name) for name in pki.names_in(state.pki) if name not in asked]
    return sorted(rows, key=lambda row: (row.not_after is None, row.not_after, row.presented_by))


def renew(state: State, name: str) -> list[str]:
    """Renew the certificate of a part, or of whoever `look` names, or (`all`) every one; returns the names.
    Raises Failure (usage) for a name that there is not."""
    names = pki.names_in(state.pki)
    parts = {part.name: part.compose_name for part in Inventory.of(state).parts}
    wanted = names if name == "all" else [parts.get(name, name)]
    if not set(wanted) <= set(names):
        by_compose_name = {compose_name: part for part, compose_name in parts.items()}
        raise unknown("certificate", name, [by_compose_name.get(one, one) for one in names])
    for one in wanted:
        certificates.renew(state.pki, one)
    return wanted


# --- rotation of the authority ---


def trust_next(state: State, say: Callable[[str], None]) -> None:
    """The first half. Raises Failure when not every part that answers trusts the next authority in time."""
    _change(lambda: ca_rotation.trust_next(state.pki))
    say("every part is told to trust the next authority, too")
    _wait("does not trust the next authority yet", lambda: _distrusting(state))


def issue_by_next(state: State, say: Callable[[str], None]) -> None:
    """The second half; the former authority is trusted no more when no endpoint shows what it issued. Raises
    Failure (usage) when the first half is not done."""
    if ca_rotation.next_authority(state.pki) is None and len(pki.trusted(state.pki)) == 1:
        raise Failure("no next authority is trusted yet", _FIRST, USAGE)
    if left := _distrusting(state):
        raise Failure(f"{', '.join(left)} does not trust the next authority yet", _FIRST)
    renewed: list[str] = []
    _change(lambda: renewed.extend(ca_rotation.issue_by_next(state.pki)))
    say(f"{len(renewed)} certificates are issued by the next authority")
    _wait("still presents what the former authority issued", lambda: _former(state))
    _change(lambda: ca_rotation.distrust_former(state.pki))
    say("the former authority is trusted no more")


def _distrusting(state: State) -> list[str]:
    """The parts that refuse a caller with a certificate of the next authority."""
    authority = ca_rotation.next_authority(state.pki)
    if authority is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        pki.issue("client", ca=authority).install(Path(folder), "client")
        tls = ssl.create_default_context(cafile=str(state.ca))
        tls.check_hostname = False
        tls.load_cert_chain(Path(folder, "client.pem"), Path(folder, "client.key"))

    def refuses(part: Part) -> bool:
        if certificates.presented(part.address(), state.ca, part.compose_name) is None:
            return False  # one that is down reads its files when it starts
        try:
            Control(*part.address(), tls=tls, timeout=certificates.TIMEOUT).ask("GET", part.alive_path)
        except Unreachable:
            return True
        return False

    parts = [part for part, _, address in _endpoints(Inventory.of(state)) if address == part.address()]
    with ThreadPoolExecutor(AT_ONCE) as together:
        return [part.name for part, no in zip(parts, together.map(refuses, parts), strict=True) if no]


def _former(state: State) -> list[str]:
    """Who presents a certificate of another authority than that which issues."""
    issuing = pki.load_authority(state.pki).certificate
    with tempfile.TemporaryDirectory() as folder:
        pki.trust(Path(folder), [issuing])

        def shows_former(one: tuple[Part, Endpoint, tuple[str, int]]) -> bool:
            part, _, address = one
            shown = certificates.presented(address, Path(folder, "ca.pem"), part.compose_name)
            return shown is not None and shown.flaw is certificates.Flaw.UNKNOWN_CA

        endpoints = list(_endpoints(Inventory.of(state)))
        with ThreadPoolExecutor(AT_ONCE) as together:
            found = list(together.map(shows_former, endpoints))
    return list(dict.fromkeys(one[0].name for one, former in zip(endpoints, found, strict=True) if former))


def _wait(what: str, left: Callable[[], list[str]]) -> None:
    limit = time.monotonic() + LOADED_WITHIN
    while names := left():
        if time.monotonic() > limit:
            raise Failure(f"{', '.join(names)} {what}", "see failwhale logs PART; then say the same again")
        time.sleep(0.2)


def _change(act: Callable[[], None]) -> None:
    try:
        act()
    except (OSError, ValueError) as error:
        raise Failure(f"the authority cannot be changed: {error}", "look at the PKI folder") from None


# --- one endpoint ---


def _endpoints(inventory: Inventory) -> Iterator[tuple[Part, Endpoint, tuple[str, int]]]:
    for part in inventory.parts:
        if part.kind not in TLS_KINDS:
            continue
        yield part, "internal", part.address()
        if part.service == "frontend" and part.place is not None and part.place in inventory.edges:
            edge = urlsplit(inventory.edges[part.place])
            yield part, "public", (edge.hostname or "", edge.port or 443)


def _row(state: State, part: Part, endpoint: Endpoint, address: tuple[str, int]) -> EndpointCertificate:
    caller = state.client_certificate, state.client_key
    shown = certificates.presented(address, state.ca, part.compose_name, caller)
    if shown is None:
        return EndpointCertificate(part.compose_name, part.name, endpoint, None, None, None, "no answer")
    return _told(state.pki, part.compose_name, part.name, endpoint, shown.certificate, shown.flaw or "good")


def _lying(root: Path, name: str) -> EndpointCertificate:
    certificate = certificates.lying(root, name)
    by = "operators" if name == "client" else name
    if certificate is None:
        return EndpointCertificate(name, by, "client", None, None, None, None)
    return _told(root, name, by, "client", certificate, None)


def _told(
    root: Path, name: str, by: str, endpoint: Endpoint, certificate: x509.Certificate, served: str | None
) -> EndpointCertificate:
    ends = certificate.not_valid_after_utc
    left = (ends - datetime.datetime.now(datetime.UTC)).total_seconds()
    issuer = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return EndpointCertificate(
        name=name,
        presented_by=by,
        endpoint=endpoint,
        issuer=str(issuer[0].value) if issuer else certificate.issuer.rfc4514_string(),
        not_after=ends.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        days_left=round(pki.lab_time(root).days(left), 3),
        served=served,
    )
