"""The parts of a site as they are reached: control endpoints, health, certificates, stores."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Collection
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from foundation.failure import Failure
from foundation.loopback import is_loopback
from foundation.state import State
from services.platform.access import service_access
from services.platform.pki import folder_of
from testbed import certificates, endpoint_certificates
from testbed.certificates import Flaw, Presented
from testbed.configuration import LiveConfiguration
from testbed.configured_stores import ConfiguredStores
from testbed.control import Control, Unreachable, operators_tls, tls_as
from testbed.endpoint_certificates import EndpointCertificate
from testbed.event_log import EventLog
from testbed.inventory import Inventory, Part
from testbed.releases import Releases
from testbed.stored_content import StoredContent
from testbed.stores import ANSWERS_WITHIN, Refused

if TYPE_CHECKING:
    from cryptography import x509
    from redis import Redis

    from testbed.token_key import TokenKey

HEALTH_TIMEOUT = 0.5
"""Seconds. A part that needs longer to say that it is alive counts as one that does not answer."""

_NOBODY = "probe"
_SESSION_SECONDS = 60.0

_PAGES = ("GET /", "GET /docs", "GET /static/{name}", "GET /api/v1/openapi.json")
"""What the front end answers besides the API that its document describes."""


class Endpoints(ConfiguredStores, EventLog, StoredContent):
    """Of one site, whatever carries it."""

    def __init__(self, state: State) -> None:
        """Raises Failure when there is no site in this state folder."""
        self._state = state
        self.inventory = Inventory.of(state)
        self.releases = Releases(state)

    @property
    def state(self) -> State:
        """The folder that it lives in."""
        return self._state

    @cached_property
    def token_key(self) -> TokenKey:
        """The key that signs sessions."""
        from testbed.token_key import TokenKey  # it takes the web framework 0.4 s to load

        return TokenKey(self._state.secrets)

    # --- reaching a part ---

    def control(self, part: Part, timeout: float = 2.0) -> Control:
        """The control endpoints of a part, asked with the site's token."""
        host, port = part.address()
        return Control(host, port, self._tls, self._state.token, timeout)

    def entrance(self, part: Part, timeout: float, caller: str | None = None, source: str = "") -> Control:
        """Where the requests that the part serves come in, without the token: asked with the certificate of
        the part `caller`, or as an operator, and from the address `source` where both are on loopback. Raises
        Failure when that certificate cannot be read."""
        host, port = self._entrance(part)
        tls = self._tls if caller is None else self._tls_of(self.inventory.part(caller))
        return Control(host, port, tls, timeout=timeout, source=source if is_loopback(host) else "")

    def signed_in(self, part: Part, account: int, since: float = 0.0) -> dict[str, str]:
        """The headers of a request to the part's entrance that comes from this account, which there need not
        be. An edge believes a session, which began so many seconds ago, and nothing else; the services behind
        it what the front end says."""
        from services.platform.identity import NAME_HEADER, USER_HEADER, User

        if part.service != "frontend":
            return {USER_HEADER: str(account), NAME_HEADER: _NOBODY}
        from services.platform.tokens import SessionKeys

        lifetime = since + _SESSION_SECONDS
        token = SessionKeys(self._state.secrets).issue(User(account, _NOBODY), lifetime, age=since)
        return {"authorization": f"Bearer {token}"}

    def challenge(self, account: int) -> str:
        """What a login with a second factor is answered between its two steps, for this account, which there
        need not be."""
        from services.platform.identity import User
        from services.platform.tokens import SessionKeys

        keys = SessionKeys(self._state.secrets)
        return keys.issue_for("second-factor", User(account, _NOBODY), _SESSION_SECONDS)

    def _entrance(self, part: Part) -> tuple[str, int]:
        if part.service == "frontend" and part.place is not None:
            edge = urlsplit(self.inventory.edges[part.place])
            assert edge.hostname is not None
            return edge.hostname, edge.port or 443
        return part.address()

    @property
    def _tls(self) -> ssl.SSLContext:
        try:
            return operators_tls(self._state)
        except OSError as error:
            raise Failure(
                f"the operators' certificate cannot be read: {error}", "start the site: failwhale up"
            ) from None

    def _tls_of(self, part: Part) -> ssl.SSLContext:
        try:
            return tls_as(self._state, part.compose_name)
        except OSError as error:
            raise Failure(f"the certificate of {part.name} cannot be read: {error}") from None

    def accepts_connections(self, part: Part) -> bool:
        """Whether anybody listens at the part's address."""
        try:
            socket.create_connection(part.address(), HEALTH_TIMEOUT).close()
        except OSError:
            return False
        return True

    def routes(self, part: Part) -> tuple[str, ...] | None:
        """The operations that a service answers, such as `POST /api/v1/posts`; None when it cannot say."""
        path = "/api/v1/openapi.json" if part.service == "frontend" else "/openapi.json"
        try:
            answer = self.control(part, HEALTH_TIMEOUT).ask("GET", path)
            paths = answer.json()["paths"] if answer.status == 200 else None
        except (Unreachable, ValueError, KeyError):
            return None
        if paths is None:
            return None
        routes = [f"{method.upper()} {path}" for path, operations in paths.items() for method in operations]
        return (*routes, *_PAGES) if part.service == "frontend" else tuple(routes)

    @property
    def services_password(self) -> str:
        return service_access(self._state.secrets).password

    @property
    def configuration(self) -> LiveConfiguration:
        """By what its services go."""
        return LiveConfiguration(self)

    def set_right(self, part: Part, what: str) -> None:
        """Have a service set right what an engineer looks after by hand: its clock, its token key, its
        consumers. Raises Failure when it does not answer, or knows nothing of it."""
        try:
            answer = self.control(part).ask("POST", f"/-/set-right/{what}")
        except Unreachable:
            raise Failure(
                f"{part.name} does not answer", f"start it anew: failwhale ops restart {part.name}"
            ) from None
        if answer.status >= 300:
            raise Failure(f"{part.name} refuses: {answer.detail}", "see: failwhale status")

    # --- health ---

    def answers(self, part: Part) -> bool:
        """Whether the part is alive: it answers at all, within half a second."""
        return self._asks_well(part, part.alive_path)

    def release(self, part: Part) -> str | None:
        """Which release the part says that it runs; None when it does not answer."""
        try:
            return str(self.control(part, HEALTH_TIMEOUT).ask("GET", part.alive_path).json()["release"])
        except (Unreachable, Failure, ValueError, KeyError, TypeError):
            return None

    def ready(self, part: Part) -> bool:
        """Whether the part can do its work. A store is a replica with its link up, or the one primary, to
        which the sentinels lead the services and which takes writes."""
        if part.kind == "store":
            return self._store_is_ready(part)
        return self._asks_well(part, part.ready_path)

    def _asks_well(self, part: Part, path: str) -> bool:
        if part.kind in ("store", "sentinel"):
            return bool(self._redis_says(part, "PING") == b"PONG")
        if part.kind == "link":
            return self.relays_after(part, HEALTH_TIMEOUT) is not None
        try:
            if part.kind == "page":
                control = Control(*part.address(), tls=None, timeout=HEALTH_TIMEOUT)
            else:
                # Without the token, which says nothing here, and which somebody else's program need not have.
                control = Control(*part.address(), self._tls, timeout=HEALTH_TIMEOUT)
            answer = control.ask("GET", path)
        except Unreachable:
            return False
        return answer.status == 200

    def relays_after(self, part: Part, timeout: float) -> float | None:
        """Seconds after which a link brings the answer to what it is sent, or ends the connection since
        nobody is at its other end. None when it does neither in so many seconds: the system accepts
        connections for a frozen one, too."""
        began = time.monotonic()
        return None if self._relayed(part, timeout) is None else time.monotonic() - began

    def relays(self, part: Part, timeout: float) -> bool:
        """Whether a link brings an answer from its other end."""
        return bool(self._relayed(part, timeout))

    def _relayed(self, part: Part, timeout: float) -> bytes | None:
        """What a link answers; nothing when it ends the connection, None when it does neither."""
        try:
            with socket.create_connection(part.address(part.relaying), timeout) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64)
        except ConnectionRefusedError:
            return None
        except ConnectionError:  # ended after it was accepted
            return b""
        except OSError:
            return None

    # --- certificates ---

    def give_certificate(self, part: Part, flaw: Flaw) -> None:
        """Give the part a certificate with a flaw. Raises Failure when that cannot be done."""
        certificates.give(self._state.pki, part.compose_name, flaw)

    def half_rotate_certificate(self, part: Part, trusting: Collection[Part]) -> None:
        """Give the part a certificate of an authority that only these others trust. Raises Failure."""
        certificates.half_rotate(self._state.pki, part.compose_name, [one.compose_name for one in trusting])

    def renew_certificate(self, part: Part) -> None:
        """Give the part a new certificate. Raises Failure when that cannot be done."""
        certificates.renew(self._state.pki, part.compose_name)

    def hide_key(self, part: Part) -> None:
        """Take the file of the part's private key away. Raises Failure when that cannot be done."""
        certificates.hide_key(self._state.pki, part.compose_name)

    def restore_key(self, part: Part) -> None:
        """Put it back, if it was taken away and nobody made another one. Raises Failure."""
        certificates.restore_key(self._state.pki, part.compose_name)

    def lacks_key(self, part: Part) -> bool:
        """Whether it was taken away, and there is no other one."""
        return certificates.lacks_key(self._state.pki, part.compose_name)

    def certificate_flaw(self, part: Part) -> Flaw | None:
        """What is wrong with the certificate that lies there for the part. None: nothing, or it has none."""
        return certificates.flaw_of(self._state.pki, part.compose_name)

    def lying_certificate(self, part: Part) -> x509.Certificate | None:
        """The certificate that lies there for the part. None: there is none that can be read."""
        return certificates.lying(self._state.pki, part.compose_name)

    def presented_certificate(self, part: Part, trusting: Part | None = None) -> Presented | None:
        """What a new connection to the part is shown, and whether somebody refuses it who trusts the site's
        CA (or whom the part `trusting` trusts). None: no answer."""
        trust = self._state.pki if trusting is None else folder_of(self._state.pki, trusting.compose_name)
        return certificates.presented(self._entrance(part), trust / "ca.pem", part.compose_name)

    def misses(self, address: str, part: Part) -> str:
        """Why who goes to this address does not find the part there; empty when he does."""
        host, _, port = address.rpartition(":")
        shown = certificates.presented((host, int(port)), self._state.ca, part.compose_name)
        if shown is None:
            return "nobody answers there"
        return "somebody else is there" if shown.flaw is Flaw.WRONG_NAME else ""

    def renew_certificates(self) -> list[str]:
        """Renew every certificate there is, and return their names. Raises Failure."""
        return endpoint_certificates.renew(self._state, "all")

    def rotate_authority(self, say: Callable[[str], None]) -> None:
        """Change the certificate authority, both halves of it. Raises Failure when a part does not follow."""
        endpoint_certificates.trust_next(self._state, say)
        endpoint_certificates.issue_by_next(self._state, say)

    def certificates(self) -> list[EndpointCertificate]:
        """What every endpoint of the site presents now."""
        return endpoint_certificates.look(self._state)

    def redis(self, part: Part, patience: float = ANSWERS_WITHIN) -> Redis:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        host, port = part.address()
        redis = Redis(
            host=host,
            port=port,
            username="chaos",
            password=self._state.store_password,
            socket_timeout=patience,
            socket_connect_timeout=ANSWERS_WITHIN,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        redis.response_callbacks.clear()  # answers as they are on the wire; not the library's view of them
        return redis

    def ask_redis(self, part: Part, *command: str | bytes, patience: float = ANSWERS_WITHIN) -> Any:
        from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError

        try:
            redis = self.redis(part, patience)
        except Failure:  # the passwords are not made yet, so there is no store
            return None
        try:
            return redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except (ResponseError, BusyLoadingError, AuthenticationError) as error:
            return Refused(error)
        except RedisError:
            return None
        finally:
            redis.close()
