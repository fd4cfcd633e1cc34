"""The population as load sees it: who logs in, and whom people look at."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from loadtests.population import generate
from loadtests.target import Census


class Crowd:
    """People by power law: the more followers, the more looked at."""

    def __init__(self, census: Census) -> None:
        population = generate(census.people, census.seed, census.as_of, posts=False)
        self.password = census.password
        followers = [len(group) for group in population.followers()]
        public = [index for index, person in enumerate(population.people) if not person.protected]
        self._public = [population.people[index].name for index in public]
        self._looked_at = list(itertools.accumulate(followers[index] + 1 for index in public))
        self.protected = frozenset(person.name for person in population.people if person.protected)
        ordinary = [person.name for person in population.people if person.name not in census.celebrities]
        random.Random(census.seed).shuffle(ordinary)
        self._hermits = itertools.cycle(sorted(self.protected) or ordinary or census.celebrities)
        self._ordinary = itertools.cycle(ordinary or census.celebrities)
        self._celebrities: Iterator[str] = itertools.cycle(census.celebrities or ordinary)

    def somebody(self) -> str:
        """The next ordinary person to log in; everybody once before anybody twice."""
        return next(self._ordinary)

    def hermit(self) -> str:
        """The next one to log in of those who protect their posts; of all, where nobody does."""
        return next(self._hermits)

    def celebrity(self) -> str:
        """The next celebrity to log in, the most followed first."""
        return next(self._celebrities)

    def looked_at(self, chance: random.Random) -> str:
        """Somebody's name, drawn by how many follow them; never one who protects their posts."""
        return chance.choices(self._public, cum_weights=self._looked_at)[0]
