"""What the front end alone is told by its environment (FRONTEND_...)."""

from dataclasses import dataclass
from typing import Self

from services.platform.settings import Settings


@dataclass(frozen=True)
class Options:
    """The defaults let one address carry a whole load test; they stop a client that has lost its mind."""

    deadline: float = 5.0
    """Seconds that a request may take, all its calls and retries included."""
    session_rate: float = 100.0
    """Requests per second of one session, on average."""
    session_burst: int = 200
    address_rate: float = 500.0
    """Sign-ups, logins and requests without a session per second from one source address, on average: the
    first two of each connection (a login has two steps). Pages and their files are counted apart."""
    address_burst: int = 2000
    repeat_rate: float = 100.0
    """The same for all further ones of a connection, so that a thousand connections that ask without end
    leave room at their address for somebody who comes to log in."""
    repeat_burst: int = 200
    account_streams: int = 8
    """Event streams of one account that are open at a time; a further one ends the oldest."""
    streams: int = 512
    """Event streams of all accounts; further ones are refused. Each costs a connection here, one to `notify`,
    and together some 100 kB."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read FRONTEND_DEADLINE, FRONTEND_SESSION_RATE, ... Raises SettingsError."""
        return cls(
            deadline=settings.number("FRONTEND_DEADLINE", cls.deadline, at_least=0.05),
            session_rate=settings.number("FRONTEND_SESSION_RATE", cls.session_rate, at_least=0.001),
            session_burst=settings.integer("FRONTEND_SESSION_BURST", cls.session_burst, at_least=1),
            address_rate=settings.number("FRONTEND_ADDRESS_RATE", cls.address_rate, at_least=0.001),
            address_burst=settings.integer("FRONTEND_ADDRESS_BURST", cls.address_burst, at_least=1),
            repeat_rate=settings.number("FRONTEND_REPEAT_RATE", cls.repeat_rate, at_least=0.001),
            repeat_burst=settings.integer("FRONTEND_REPEAT_BURST", cls.repeat_burst, at_least=1),
            account_streams=settings.integer("FRONTEND_ACCOUNT_STREAMS", cls.account_streams, at_least=1),
            streams=settings.integer("FRONTEND_STREAMS", cls.streams, at_least=1),
        )
