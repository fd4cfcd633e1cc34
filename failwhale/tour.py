"""The tour of the demo: what is broken, in which order, and what a person should look for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Act:
    """One fault of the tour."""

    title: str
    command: tuple[str, ...]  # after `failwhale chaos`
    look_for: str
    before: tuple[str, ...] = ()  # a fault that is in force already, and until the end of the tour


TOUR = (
    Act(
        "One replica of two dies",
        ("kill", "post@east", "--for", "4s"),
        "the front ends go over to post@west: hardly anybody notices",
    ),
    Act(
        "Retweets stop working, the rest is fine (Twitter, November 2022)",
        ("kill", "retweet:all", "--for", "4s"),
        "one journey goes red, all others stay green",
    ),
    Act(
        "Bad code: some people cannot post",
        ("errors", "post:all", "--share", "50%", "--for", "4s"),
        "whatever creates or reads a single post fails now and then",
    ),
    Act(
        "Everything is there, but slowly",
        ("latency", "timeline:all", "--delay", "1200ms", "--for", "5s"),
        "no errors at all: slow is a kind of its own",
    ),
    Act(
        "Logins hang, sessions go on",
        ("blackhole", "auth:all", "--for", "5s"),
        "nobody can log in; whoever is logged in does not notice",
    ),
    Act(
        "Notifications freeze, and nothing errors at first",
        ("pause", "notify:all", "--for", "5s"),
        "events pile up, and are delivered when it thaws",
    ),
    Act(
        "A certificate has expired at one edge",
        ("expire-certificate", "frontend@east", "--for", "4s"),
        "new connections to east fail, open ones go on; renewed without a restart",
    ),
    Act(
        "The primary store dies (X, May 2025: the failover should have worked)",
        ("kill", "store:primary", "--for", "6s"),
        "a real Sentinel promotes the replica: a dip of about two seconds, no post lost",
    ),
    Act(
        "It dies again, and the failover that should have worked does not",
        ("kill", "store:primary", "--for", "5s"),
        "the replica was barred from promotion, which hurt nobody: now nobody can write until it is over",
        before=("bar-replica", "store:replica", "--for", "30s", "--detach"),
    ),
)
