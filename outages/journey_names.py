"""The names of the journeys in the order in which people read them; importable without the prober."""

NAMES = (
    "handshake-east",
    "handshake-west",
    "page",
    "login",
    "login-second-factor",
    "post",
    "read-back",
    "retweet",
    "home-timeline",
    "freshness",
    "notification",
    "live-stream",
    "protected-posts",
)
