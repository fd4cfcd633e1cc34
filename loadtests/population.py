"""The people of the site: who they are, whom they follow, what they wrote. Pure and seeded.

The same `people`, `seed` and `as_of` give the same population, byte for byte, on every machine. That is what
lets the load side work out the follow graph again instead of asking for it.

The graph is skewed as real ones are. Whom people follow is drawn by Zipf's law, so that a handful are
followed by most; how many they follow is lognormal, with a median of about 30.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

from loadtests.phrases import CLOSINGS, FIRST_NAMES, OPENINGS, SECOND_NAMES, SUBJECTS

PEOPLE_LIMIT = 1_000_000

EPOCH_MILLISECONDS = 1_767_225_600_000
"""2026-01-01T00:00:00Z, where ids begin to count. The layout of ids is part of the public face: 41 bits of
milliseconds, 4 bits of worker, 8 bits of sequence."""

WORKER = 15
"""No service makes ids under this number, so none that it makes can be one of these."""

MEDIAN_FOLLOWING = 30
_SPREAD_OF_FOLLOWING = 0.8
_MOST_FOLLOWING = 1000
_LEAST_FOLLOWING = 3

CELEBRITY_SHARE = 0.25
"""A celebrity is followed by at least this share of all people."""

PROTECTED_SHARE = 0.05
POSTS_PER_PERSON = 4
_MENTION_SHARE = 0.25

_DAY = 86_400_000
_POSTED_WITHIN = 5 * _DAY
_NAME_LENGTH = 15


@dataclass(frozen=True, slots=True)
class Person:
    """An account. `created` is in Unix milliseconds."""

    id: int
    name: str
    protected: bool
    created: int


@dataclass(frozen=True, slots=True)
class Post:
    """A post by `people[author]`. `created` is in Unix milliseconds."""

    id: int
    author: int
    text: str
    mentions: tuple[str, ...]
    created: int


@dataclass(frozen=True, slots=True)
class Population:
    """`following[i]` holds the indices of the people that person `i` follows, each once, never `i`."""

    seed: int
    as_of: int
    people: tuple[Person, ...]
    following: tuple[tuple[int, ...], ...]
    posts: tuple[Post, ...]
    """By id, so also by time. Everybody wrote at least one, so that no timeline of theirs is empty."""

    def followers(self) -> list[list[int]]:
        """For each person the indices of those who follow them."""
        followers: list[list[int]] = [[] for _ in self.people]
        for follower, followed in enumerate(self.following):
            for person in followed:
                followers[person].append(follower)
        return followers

    def celebrities(self) -> list[int]:
        """Indices of those whom at least a quarter of all people follow, the most followed first."""
        followers = [len(group) for group in self.followers()]
        enough = CELEBRITY_SHARE * len(self.people)
        return sorted(
            (person for person, count in enumerate(followers) if count >= enough),
            key=lambda person: (-followers[person], person),
        )


def generate(people: int, seed: int, as_of: int, *, posts: bool = True) -> Population:
    """A population as it stands at `as_of` (Unix milliseconds).

    `posts=False` leaves the posts out and changes nothing else. Raises ValueError for fewer than 2 people,
    more than a million, or a time before ids began.
    """
    if not 2 <= people <= PEOPLE_LIMIT:
        raise ValueError(f"a population has 2 to {PEOPLE_LIMIT:,} people, not {people}")
    if as_of <= EPOCH_MILLISECONDS:
        raise ValueError("a population cannot be older than 2026, where ids begin")
    # A stream of chance for each subject: more draws for one do not change the others.
    accounts = _people(random.Random(f"{seed}:people"), people, as_of)
    following = _follow_graph(random.Random(f"{seed}:graph"), people)
    written = _posts(random.Random(f"{seed}:posts"), accounts, following, as_of) if posts else ()
    return Population(seed, as_of, accounts, following, written)


def rfc3339(unix_milliseconds: int) -> str:
    """A time of this population as the site writes times."""
    return datetime.fromtimestamp(unix_milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# --- people ---


def _people(chance: random.Random, count: int, as_of: int) -> tuple[Person, ...]:
    # Everybody joined before the first post was written.
    youngest = max(EPOCH_MILLISECONDS, as_of - _POSTED_WITHIN - _DAY)
    joined = sorted(chance.randrange(EPOCH_MILLISECONDS, youngest + 1) for _ in range(count))
    # Who came first must not say who is popular.
    order = list(range(count))
    chance.shuffle(order)
    ids = _ids(joined)
    created = dict(zip(order, zip(ids, joined, strict=True), strict=True))
    return tuple(
        Person(created[index][0], name, chance.random() < PROTECTED_SHARE, created[index][1])
        for index, name in enumerate(_names(chance, count))
    )


def _names(chance: random.Random, count: int) -> Iterator[str]:
    """Different also when upper and lower case are the same, as the site demands."""
    taken: set[str] = set()
    for number in range(count):
        name = _name(chance)
        if name.lower() in taken:
            ending = str(number)
            name = name[: _NAME_LENGTH - len(ending) - 1] + "_" + ending
        taken.add(name.lower())
        yield name


def _name(chance: random.Random) -> str:
    first, second = chance.choice(FIRST_NAMES), chance.choice(SECOND_NAMES)
    style = chance.random()
    if style < 0.35:
        return f"{first}_{second}"[:_NAME_LENGTH]
    if style < 0.60:
        return f"{first.title()}{second.title()}"[:_NAME_LENGTH]
    if style < 0.80:
        return f"{first}{second}"[:_NAME_LENGTH]
    return f"{first}{second}"[: _NAME_LENGTH - 2] + f"{chance.randrange(100):02d}"


# --- who follows whom ---


def _follow_graph(chance: random.Random, count: int) -> tuple[tuple[int, ...], ...]:
    ranked = list(range(count))
    chance.shuffle(ranked)
    popularity = list(accumulate(1 / rank for rank in range(1, count + 1)))
    most = min(count - 1, _MOST_FOLLOWING)
    # In a village nobody knows thirty people: the median is at most a third of all.
    median = min(MEDIAN_FOLLOWING, max(1.0, count / 3))
    graph = []
    for person in range(count):
        wanted = chance.lognormvariate(math.log(median), _SPREAD_OF_FOLLOWING)
        wanted_count = min(most, max(_LEAST_FOLLOWING, round(wanted)))
        graph.append(_followed_by(chance, person, wanted_count, ranked, popularity))
    return tuple(graph)


def _followed_by(
    chance: random.Random, person: int, wanted: int, ranked: Sequence[int], popularity: Sequence[float]
) -> tuple[int, ...]:
    """`wanted` different people; a few less where nearly everybody is wanted and chance repeats itself."""
    chosen: dict[int, None] = {}
    for _ in range(6):
        missing = wanted - len(chosen)
        if missing <= 0:
            break
        chosen.update(dict.fromkeys(chance.choices(ranked, cum_weights=popularity, k=missing + 2)))
        chosen.pop(person, None)
    if not chosen:
        chosen[(person + 1) % len(ranked)] = None
    return tuple(chosen)[:wanted]


# --- what they wrote ---


def _posts(
    chance: random.Random, people: Sequence[Person], following: Sequence[Sequence[int]], as_of: int
) -> tuple[Post, ...]:
    count = len(people)
    # Most people write hardly anything and a few write a lot.
    activity = list(accumulate(chance.lognormvariate(0, 1.2) for _ in range(count)))
    authors = list(range(count))
    authors += chance.choices(range(count), cum_weights=activity, k=count * (POSTS_PER_PERSON - 1))
    chance.shuffle(authors)
    earliest = max(EPOCH_MILLISECONDS, as_of - _POSTED_WITHIN)
    # The square root crowds them towards now: there is always more news than history.
    times = sorted(earliest + int((as_of - earliest) * math.sqrt(chance.random())) for _ in authors)
    posts = []
    for identifier, created, author in zip(_ids(times), times, authors, strict=True):
        mentions: tuple[str, ...] = ()
        if chance.random() < _MENTION_SHARE:
            mentions = (people[chance.choice(following[author])].name,)
        posts.append(Post(identifier, author, _text(chance, mentions), mentions, created))
    return tuple(posts)


def _text(chance: random.Random, mentions: Sequence[str]) -> str:
    parts = [chance.choice(OPENINGS), chance.choice(SUBJECTS) + chance.choice(CLOSINGS)]
    parts[1:1] = [f"@{name}" for name in mentions]
    return " ".join(parts)


# --- ids ---


def _ids(times: Sequence[int]) -> list[int]:
    """Ids of things made at these times (Unix milliseconds, ascending), as one worker makes them."""
    ids: list[int] = []
    last = -1
    for time in times:
        # When a millisecond is full, ids run ahead of the clock, as the site's own do.
        last = max((time - EPOCH_MILLISECONDS) << 12 | WORKER << 8, _successor(last))
        ids.append(last)
    return ids


def _successor(identifier: int) -> int:
    if identifier < 0:
        return 0
    if identifier & 0xFF == 0xFF:
        return ((identifier >> 12) + 1) << 12 | WORKER << 8
    return identifier + 1
