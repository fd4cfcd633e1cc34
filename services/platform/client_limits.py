"""What a client may cost the public listener: every limit, and why it is what it is.

None of them is per address. Behind one address there may be a whole load test, a company or a mobile network,
and whoever attacks from many addresses would not notice. They bound what one connection costs and how many
connections there may be of a kind that does no work. Where there are too many, the oldest goes and the new
one stays: whoever is honest is done in milliseconds, so the oldest is the one that is not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Times in seconds, sizes in bytes."""

    waiting: int = 2048
    """Connections whose handshake has not begun."""

    handshakes: int = 512
    """TLS handshakes under way. One takes milliseconds, so that whoever stays silent is the oldest soon."""

    handshake_seconds: float = 5.0

    handshakes_at_once: int = 4
    """Handshakes that begin before everybody else gets a turn of the loop: one costs as much as four requests
    or more."""

    unfinished: int = 256
    """Requests that have begun to arrive and are not whole. They take no place among the requests at work,
    and cost some 55 kB each."""

    request_seconds: float = 10.0
    """From the first byte of a request to its last, for a head and a body of no size ..."""
    body_rate: float = 1000.0
    """... and a second more for so many bytes of the body that have come ..."""
    longest_request_seconds: float = 30.0
    """... up to here."""

    idle: int = 256
    """Connections between requests, or before the first. Clients must reckon with their end at any time, and
    with 256 of some 55 kB each a front end stays below twice its usual memory."""

    idle_at_least_seconds: float = 1.0
    """Younger ones are left alone where there is room, so that a crowd that has just arrived can ask."""

    idle_at_most: int = 512
    """With so many even a young one goes: a client that opens a thousand a second would have them all."""

    idle_seconds: float = 30.0
    """After so long without a request a connection is closed."""

    unread_seconds: float = 20.0
    """An answer, or a piece of a stream, of which the client's system has not taken all for so long will not
    be read."""

    unread_bytes: int = 64 * 1024
    """Who asks again while so much of earlier answers waits in this process does not read them."""

    refusals_unpunished: int = 1
    """A client may be wrong now and then. What is refused after this many refusals on one connection costs
    the client time: nothing more is read from the connection for `first_pause`, then twice as long at each
    further refusal up to `longest_pause`, and after `most_refusals` it is closed. An accepted request makes
    up for one refusal."""
    first_pause: float = 0.25
    longest_pause: float = 8.0
    most_refusals: int = 12

    refusals_per_second: float = 128.0
    """Where many connections are paused each pause is so long that they come back no faster than this, all
    together: some 3 % of a core. With a thousand that is the longest pause, from the first on."""

    paused: int = 2048
    """Connections that are paused at a time; further ones are closed instead. Much higher than the other
    bounds, since who is closed comes back, and a handshake costs more than a refusal."""

    paused_bytes: int = 16 * 1024
    """What is taken in from a connection that is paused, before its own operating system has to keep it."""

    def pause(self, refusals: int, paused: int) -> float:
        """How long to read nothing after so many refusals in a row, while `paused` connections are paused; 0
        for not at all."""
        beyond = refusals - self.refusals_unpunished
        if beyond <= 0:
            return 0.0
        own = self.first_pause * float(2 ** (beyond - 1))
        return min(self.longest_pause, max(own, paused / self.refusals_per_second))
