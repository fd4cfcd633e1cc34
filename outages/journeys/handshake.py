"""A browser reaches one edge, and this one only: TCP connection, TLS handshake, certificate verified."""

from outages.cast import Cast
from outages.journeys.journey import Journey
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    await visit.connect()


EAST = Journey("handshake-east", attempt, edge="east", needs_cast=False)
WEST = Journey("handshake-west", attempt, edge="west", needs_cast=False)
