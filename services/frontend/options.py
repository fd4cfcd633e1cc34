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
    """Sign-ups, logins and requests without a session per second from one source address, on average."""
    address_burst: int = 2000

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read FRONTEND_DEADLINE, FRONTEND_SESSION_RATE, ... Raises SettingsError."""
        return cls(
            deadline=settings.number("FRONTEND_DEADLINE", cls.deadline, at_least=0.05),
            session_rate=settings.number("FRONTEND_SESSION_RATE", cls.session_rate, at_least=0.001),
            session_burst=settings.integer("FRONTEND_SESSION_BURST", cls.session_burst, at_least=1),
            address_rate=settings.number("FRONTEND_ADDRESS_RATE", cls.address_rate, at_least=0.001),
            address_burst=settings.integer("FRONTEND_ADDRESS_BURST", cls.address_burst, at_least=1),
        )
