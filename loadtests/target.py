"""Where the load goes: the public edges of one site on this machine, the CA to trust, and who lives there.

Read from the environment, because Locust's own command line has no better place for it:

    FAILWHALE_STATE                   the folder of a site (default .failwhale)
    FAILWHALE_EAST, FAILWHALE_WEST    addresses of the edges instead of those of the site
    FAILWHALE_CA                      the CA to trust instead of the site's
    FAILWHALE_POPULATION              the file that says who lives there instead of the site's

A part of the site that makes load is told as every part is:

    EDGES         the addresses by place: east=https://frontend-east:8443,west=...
    CA, STATE     the CA to trust; the folder in which it is said who lives there
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from foundation.failure import USAGE, Failure
from foundation.loopback import is_loopback
from foundation.state import State
from testbed.sitefile import SiteFile, refuse_down


@dataclass(frozen=True)
class Census:
    """Which population a site has: enough to generate it again, and to log in as anybody of it."""

    people: int
    seed: int
    as_of: int
    password: str
    celebrities: tuple[str, ...]
    loaded: bool = True
    """False while it is being loaded, and after a loading that was interrupted."""

    @classmethod
    def read(cls, path: Path, *, whole: bool = True) -> Census:
        """Read population.json. Raises Failure when there is none, or when it is not whole but has to be."""
        try:
            content = json.loads(path.read_text())
            census = cls(
                people=int(content["people"]),
                seed=int(content["seed"]),
                as_of=int(content["as_of"]),
                password=str(content["password"]),
                celebrities=tuple(content["celebrities"]),
                loaded=bool(content["loaded"]),
            )
        except FileNotFoundError:
            raise Failure(
                "nobody lives on this site yet", "load people: failwhale populate --people 1000 --seed 7"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(f"{path} cannot be read: {error!r}", "start over: failwhale down --purge") from None
        if whole and not census.loaded:
            raise Failure(
                "loading the people of this site was interrupted",
                f"load them again: failwhale populate --people {census.people} --seed {census.seed}",
            )
        return census

    def write(self, path: Path) -> None:
        """Write population.json in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(path)


def census_file(state: State) -> Path:
    return state.path / "population.json"


def acknowledged_file(state: State) -> Path:
    return state.record / "acknowledged.ndjson"


@dataclass(frozen=True)
class Target:
    """A site to put load on. The edges are base addresses such as `https://localhost:8443`, by place."""

    edges: Mapping[str, str]
    ca: Path
    census: Census
    acknowledged: Path | None
    """Where it is recorded what was acknowledged; None without a state folder."""

    @classmethod
    def of(cls, state: State) -> Target:
        """The site in a state folder. Raises Failure when it is not up, has no people or is elsewhere."""
        refuse_down(state)
        edges = SiteFile.read(state).edges
        refuse_other_machines(edges)
        return cls(edges, state.ca, Census.read(census_file(state)), acknowledged_file(state))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Target:
        """What the environment names. Raises Failure as `of` does."""
        edges = edges_here(environment)
        if _is_a_part(environment):
            census = census_file(State(environment.get("STATE", "/state")))
            return cls(edges, Path(environment.get("CA", "/pki/ca.pem")), Census.read(census), None)
        folder = environment.get("FAILWHALE_STATE")
        state = State(folder or ".failwhale")
        return cls(
            edges,
            Path(environment.get("FAILWHALE_CA") or state.ca),
            Census.read(Path(environment.get("FAILWHALE_POPULATION") or census_file(state))),
            acknowledged_file(state) if folder or not _edges_by_hand(environment) else None,
        )


def edges_here(environment: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """The addresses that the environment names, by place. Raises Failure as `Target.of` does."""
    if _is_a_part(environment):
        edges: Mapping[str, str] = edges_named(environment["EDGES"])
    else:
        state = State(environment.get("FAILWHALE_STATE") or ".failwhale")
        edges = _edges_by_hand(environment) or SiteFile.read(state).edges
    refuse_other_machines(edges)
    return edges


def edges_named(text: str) -> dict[str, str]:
    """Addresses by place, from `east=https://frontend-east:8443,west=...`. Raises Failure."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(place and address for place, _, address in pairs):
        raise Failure(f"EDGES is {text!r}", "say: EDGES=east=https://localhost:8443,west=...", USAGE)
    return {place.strip(): address.strip().rstrip("/") for place, _, address in pairs}


def _is_a_part(environment: Mapping[str, str]) -> bool:
    """Whether the site's own description started this, and not a person who chose a state folder."""
    return bool(environment.get("EDGES")) and not environment.get("FAILWHALE_STATE")


def _edges_by_hand(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        place: environment[f"FAILWHALE_{place.upper()}"].rstrip("/")
        for place in ("east", "west")
        if environment.get(f"FAILWHALE_{place.upper()}")
    }


def refuse_other_machines(edges: Mapping[str, str]) -> None:
    """Raise Failure unless every edge is this machine, or the container `frontend-PLACE` of a site of which
    this is a part: nobody else shall be flooded by a slip of the hand."""
    for place, address in edges.items():
        parts = urlsplit(address)
        host = parts.hostname or ""
        if parts.scheme != "https" or not (host == f"frontend-{place}" or is_loopback(host)):
            raise Failure(
                f"the edge {place} is {address}, which is not on this machine",
                "load goes to https://localhost or another loopback address only",
                USAGE,
            )
