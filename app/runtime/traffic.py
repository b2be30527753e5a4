"""What is chosen of the contexts that are evaluated, where an environment samples its traffic, until a job writes it.

For all other environments an offer costs a look-up. Where there is a sample, nearly every offer costs a subtraction:
how many are passed over before the next is chosen is drawn at once.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from random import Random

from app.domain.sampling import DRAWS, Drawn, limit_of, skips
from app.engine import json_text
from app.engine.paths import Context
from app.engine.projection import projected
from app.store.traffic_sample import Chosen, Sampling

MAX_CONTEXT_BYTES = 4 * 1024  # of what is kept of a context
AHEAD = timedelta(minutes=5)
"""A limit is good for so long. Until then no more of what made it may expire."""


class Reservoir:
    """Chooses contexts of one environment, no more than its sample holds at once."""

    __slots__ = ("_chosen", "_limit", "_now", "_random", "_skips", "_written", "sampling")

    def __init__(self, sampling: Sampling, now: Callable[[], datetime], random: Random) -> None:
        self.sampling = sampling
        self._now = now
        self._random = random
        self._written: list[Drawn] = []
        self._chosen: list[tuple[int, Chosen]] = []  # a heap, the highest number first
        self._limit = DRAWS
        self._skips = 0

    def offer(self, context: Context) -> None:
        """Passes the context over, or keeps the fields of it that are named, unless they are too large."""
        if self._skips:
            self._skips -= 1
            return
        draw = self._random.randrange(self._limit)
        text = json_text.dump(projected(context, self.sampling.paths))
        if len(text) <= MAX_CONTEXT_BYTES:
            self._keep(Chosen(draw, self._now(), text.decode()))
        self._skips = skips(self._limit, self._random.random())

    def take(self) -> list[Chosen]:
        """All that was chosen since the last time."""
        taken, self._chosen = [chosen for _, chosen in self._chosen], []
        return taken

    def give_back(self, taken: Iterable[Chosen]) -> None:
        """What could not be written."""
        for chosen in taken:
            self._keep(chosen)
        self.renew()

    def wrote(self, drawn: Iterable[Drawn]) -> None:
        """What the database has now."""
        self._written = list(drawn)

    def renew(self) -> None:
        """Sets the limit anew, as things have expired or were written."""
        limit = limit_of(self._written, self.sampling.size, self._now() + AHEAD)
        if len(self._chosen) == self.sampling.size:
            limit = min(limit, -self._chosen[0][0])
        self._limit = max(limit, 1)
        self._skips = skips(self._limit, self._random.random())

    def _keep(self, chosen: Chosen) -> None:
        entry = -chosen.draw, chosen
        if len(self._chosen) < self.sampling.size:
            heapq.heappush(self._chosen, entry)
        else:
            heapq.heappushpop(self._chosen, entry)
        if len(self._chosen) == self.sampling.size:
            self._limit = max(min(self._limit, -self._chosen[0][0]), 1)


class Traffic:
    """The reservoirs of this node, by environment."""

    def __init__(self, now: Callable[[], datetime], random: Random | None = None) -> None:
        self.reservoirs: dict[str, Reservoir] = {}
        self.writing = asyncio.Lock()
        self._now = now
        self._random = random or Random()  # noqa: S311 - nobody gains anything by guessing

    def offer(self, environment_id: str, context: Context) -> None:
        """A context that was evaluated."""
        if (reservoir := self.reservoirs.get(environment_id)) is not None:
            reservoir.offer(context)

    def follow(self, environment_id: str, sampling: Sampling | None) -> None:
        """What the environment samples from now on. What was chosen for another sample is dropped."""
        known = self.reservoirs.get(environment_id)
        if sampling is None or sampling.size == 0:
            self.reservoirs.pop(environment_id, None)
        elif known is None or known.sampling != sampling:
            self.reservoirs[environment_id] = Reservoir(sampling, self._now, self._random)

    def follow_all(self, samplings: Mapping[str, Sampling]) -> None:
        """What all environments sample."""
        for environment_id in self.reservoirs.keys() | samplings.keys():
            self.follow(environment_id, samplings.get(environment_id))

    def forget(self, environment_ids: Iterable[str]) -> None:
        """The environments are gone."""
        for environment_id in environment_ids:
            self.reservoirs.pop(environment_id, None)
