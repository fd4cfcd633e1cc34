"""Loads a population into the site: accounts, follows, posts, timelines, by the services' bulk import.

Loading the same population again changes nothing. What was loaded stands in STATE/population.json, from
which the load side works the whole population out again.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock

import httpx
from argon2 import PasswordHasher

from foundation.failure import Failure
from foundation.state import State
from loadtests.population import PEOPLE_LIMIT, Population, generate, rfc3339
from loadtests.target import Census, census_file
from testbed.inventory import Inventory, Part

PASSWORD = "failwhale"
"""Of everybody, with one hash: a thousand real ones would take longer than all the rest."""

BATCH_WEIGHT = 20_000
"""Entries that one request writes, about: a batch takes some hundred milliseconds, so progress moves."""

ANSWER_WITHIN = 60.0

Progress = Callable[[int, int], None]
"""Is told how many entries are loaded, and of how many."""


@dataclass(frozen=True)
class Loaded:
    """What a load brought in; `seconds` is how long it took."""

    people: int
    follows: int
    posts: int
    seconds: float
    was_here: bool = False
    """Whether all of it was there before, and nothing came of the load."""


@dataclass(frozen=True)
class Line:
    """A line for an import, and how many entries it makes the service write."""

    text: str
    weight: int


def populate(state: State, people: int, seed: int, progress: Progress = lambda done, of: None) -> Loaded:
    """Load the population of this size and seed. Raises Failure when it cannot be."""
    began = time.perf_counter()
    if not 2 <= people <= PEOPLE_LIMIT:
        raise Failure(f"{people} people are no population", f"--people is 2 to {PEOPLE_LIMIT:,}", 2)
    inventory = Inventory.of(state)
    census = _census(state, people, seed)
    was_here = census.loaded
    population = generate(people, seed, census.as_of)
    celebrities = tuple(population.people[index].name for index in population.celebrities())
    # Written before the first line is loaded: if this is interrupted, the next try must load the same ids.
    census = replace(census, celebrities=celebrities)
    census.write(census_file(state))
    with _Importer(state, inventory) as importer:
        _load(importer, population, progress)
    replace(census, loaded=True).write(census_file(state))
    return Loaded(
        people=people,
        follows=sum(len(followed) for followed in population.following),
        posts=len(population.posts),
        seconds=time.perf_counter() - began,
        was_here=was_here,
    )


def _census(state: State, people: int, seed: int) -> Census:
    """The census of what is here already, or a new one as of now. Raises Failure when others live here."""
    file = census_file(state)
    if file.exists():
        here = Census.read(file, whole=False)
        if (here.people, here.seed) == (people, seed):
            return here
        raise Failure(
            f"{here.people:,} people of seed {here.seed} live on this site already",
            f"keep them: --people {here.people} --seed {here.seed}, or start over: failwhale down --purge",
        )
    return Census(
        people, seed, as_of=time.time_ns() // 1_000_000, password=PASSWORD, celebrities=(), loaded=False
    )


def _load(importer: _Importer, population: Population, progress: Progress) -> None:
    accounts = list(account_lines(population))
    posts = list(post_lines(population))
    graph = list(graph_lines(population))
    timelines = list(timeline_lines(population))
    whole = sum(line.weight for lines in (accounts, posts, graph, timelines) for line in lines)
    done = 0
    counting = Lock()

    def load(service: str, lines: Iterable[Line]) -> None:
        nonlocal done
        for batch in batches(lines):
            importer.send(service, batch)
            with counting:
                done += sum(line.weight for line in batch)
                progress(done, whole)

    with ThreadPoolExecutor(3) as pool:
        # Timelines come last: the fan-out needs the whole graph, and shows posts that must be there by then.
        for task in [
            pool.submit(load, service, lines)
            for service, lines in (("auth", accounts), ("post", posts), ("timeline", graph))
        ]:
            task.result()
    load("timeline", timelines)


# --- what is sent ---


def account_lines(population: Population) -> Iterator[Line]:
    """Accounts, for auth."""
    password_hash = PasswordHasher(time_cost=1, memory_cost=7 * 1024, parallelism=1).hash(PASSWORD)
    for person in population.people:
        yield _line(
            2,
            id=str(person.id),
            name=person.name,
            password_hash=password_hash,
            protected=person.protected,
            created=rfc3339(person.created),
        )


def post_lines(population: Population) -> Iterator[Line]:
    """Posts, for post."""
    for post in population.posts:
        author = population.people[post.author]
        yield _line(
            2,
            id=str(post.id),
            author={"id": str(author.id), "name": author.name},
            text=post.text,
            created=rfc3339(post.created),
            mentions=list(post.mentions),
            likes=0,
            retweets=0,
        )


def graph_lines(population: Population) -> Iterator[Line]:
    """Who follows whom, for timeline."""
    for person, followed in zip(population.people, population.following, strict=True):
        following = [str(population.people[index].id) for index in followed]
        yield _line(2 * len(following), user=str(person.id), following=following)


def timeline_lines(population: Population) -> Iterator[Line]:
    """Who wrote which posts, for timeline, which fans them out."""
    written: dict[int, list[str]] = {}
    for post in population.posts:
        written.setdefault(post.author, []).append(str(post.id))
    followers = [len(group) for group in population.followers()]
    for author, posts in written.items():
        yield _line(
            len(posts) * (1 + followers[author]), author=str(population.people[author].id), posts=posts
        )


def _line(weight: int, **content: object) -> Line:
    return Line(json.dumps(content, separators=(",", ":")), weight)


def batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines in their order, cut so that each batch is about as much work."""
    batch: list[Line] = []
    weight = 0
    for line in lines:
        batch.append(line)
        weight += line.weight
        if weight >= BATCH_WEIGHT:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


# --- how it is sent ---


class _Importer:
    """Sends batches to the bulk import of the services, over mutual TLS and with the site's token."""

    def __init__(self, state: State, inventory: Inventory) -> None:
        self._parts: dict[str, list[Part]] = {}
        for part in inventory.parts:
            self._parts.setdefault(part.service, []).append(part)
        try:
            trust = ssl.create_default_context(cafile=str(state.ca))
            # Certificates name the parts; the addresses are wherever the runtime has put them.
            trust.check_hostname = False
            trust.load_cert_chain(state.client_certificate, state.client_key)
        except OSError as error:
            raise Failure(
                f"the operators' certificate cannot be read: {error}", "start the site: failwhale up"
            ) from None
        self._client = httpx.Client(
            verify=trust, headers={"authorization": f"Bearer {state.token}"}, timeout=ANSWER_WITHIN
        )

    def __enter__(self) -> _Importer:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, service: str, batch: list[Line]) -> None:
        """One batch to whichever replica answers. Raises Failure when none does or it refuses."""
        body = "\n".join(line.text for line in batch).encode() + b"\n"
        answer = self._post(service, body)
        if answer.status_code != 200:
            raise Failure(
                f"{service} refused the import: {answer.status_code} {_detail(answer)}",
                f"what happened there: failwhale logs {self._parts[service][0].name}",
            )
        imported = answer.json()["imported"]
        if imported != len(batch):
            raise Failure(
                f"{service} imported {imported} of {len(batch)} lines",
                f"what happened there: failwhale logs {self._parts[service][0].name}",
            )

    def _post(self, service: str, body: bytes) -> httpx.Response:
        cause = "the site has no such part"
        for part in self._parts.get(service, ()):
            host, port = part.address()
            try:
                return self._client.post(f"https://{host}:{port}/-/import", content=body)
            except httpx.TransportError as error:
                # The import is idempotent, so the other replica may do it all over again.
                cause = f"{part.name} does not answer ({str(error) or type(error).__name__})"
        raise Failure(
            f"{service} cannot be reached: {cause}", "is the site up? failwhale status; failwhale up"
        )


def _detail(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        return answer.text[:200]
