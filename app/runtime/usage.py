"""How often flags and configs are evaluated, and to what: counted in memory, and flushed by a job.

`Usage.note` is the one hook in the way of an evaluation. The front and the services call it with what they are about to
answer, so whatever else is to be known of evaluations belongs beside these calls. An outcome is an object that all
evaluations share, so that to count one is to count an object; what it says is read when it is flushed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime

import structlog

from app.engine.evaluation import Evaluation
from app.engine.kinds import KeyRef
from app.runtime.clock import Clock
from app.runtime.token_usage import TokenUsages
from app.services import usage
from app.store.pieces import PIECE, pieces
from app.store.unit_of_work import UnitOfWork
from app.store.usage import OTHER, Count, Counts, hour_of

log = structlog.get_logger()
MAX_PENDING = 100_000
"""Counts that are kept while the database takes none. What comes beyond them is dropped; `dropped` says how much."""
MAX_OUTCOMES = 50
"""Of a key in an hour. What it has beyond them is counted together."""
AT_ONCE = 200
"""Counts that are written together, so that nobody else waits long for the turn to write."""


class Usage:
    def __init__(self, clock: Clock, tokens: TokenUsages, max_pending: int = MAX_PENDING) -> None:
        self.dropped = 0
        self._max_pending = max_pending
        self._clock = clock
        self._tokens = tokens
        self._noted: dict[str, Counter[Evaluation | None]] = {}  # by environment
        self._totals = Counter[str]()  # of what is not noted any more
        self._pending: dict[str, dict[KeyRef, Counts]] = {}  # by environment
        self._size = 0  # of what is pending
        self._hour: datetime | None = None
        self._had: dict[tuple[str, KeyRef], set[str]] = {}  # outcomes of the hour
        self._flushing = asyncio.Lock()

    def note(self, environment_id: str, outcomes: Collection[Evaluation | None], token_id: str | None = None) -> None:
        """Counts what a call has evaluated: its outcomes, None for unknown keys, and the token that asked, if one did.

        For the outcomes of rulesets alone, not for copies with other reasons; and only for what is in force and going
        to be answered, so not for previews or the past. Called on the event loop.
        """
        noted = self._noted.get(environment_id)
        if noted is None:
            noted = self._noted[environment_id] = Counter()
        noted.update(outcomes)
        if token_id is not None and token_id not in self._tokens.evaluating:
            self._tokens.note_first(token_id)

    @property
    def waiting(self) -> int:
        """Counts that are not saved yet."""
        return self._size + sum(map(len, self._noted.values()))

    def totals(self) -> dict[str, int]:
        """How many evaluations each environment has had since the process started."""
        totals = self._totals.copy()
        for environment_id, noted in self._noted.items():
            totals[environment_id] += noted.total() - noted.get(None, 0)
        return dict(totals)

    async def flush(self, unit: Callable[[], UnitOfWork]) -> None:
        """Adds what was noted to what is stored, some at a time. Raises what the database raises: what it has not
        taken is kept for the next flush."""
        async with self._flushing:
            await self._collect()
            for environment_id, keys in list(self._pending.items()):
                while keys:
                    some = _some(keys)
                    async with unit() as uow:
                        await usage.add(uow, environment_id, some)
                    for key in some:
                        self._size -= len(keys.pop(key))
                del self._pending[environment_id]

    async def _collect(self) -> None:
        """Makes of what was noted what is pending. Between pieces of it others run, and note anew."""
        at, noted, self._noted = self._clock.now(), self._noted, {}
        if self._hour != hour_of(at) or len(self._had) > self._max_pending:
            self._hour, self._had = hour_of(at), {}
        for environment_id, counts in noted.items():
            counts.pop(None, None)
            self._totals[environment_id] += counts.total()
        for environment_id, counts in noted.items():
            for piece in pieces(list(counts.items()), PIECE):
                for outcome, count in piece:
                    if outcome is not None:
                        self._keep(environment_id, outcome, count, at)
                await asyncio.sleep(0)

    def _keep(self, environment_id: str, outcome: Evaluation, count: int, at: datetime) -> None:
        key, text = KeyRef(outcome.state.kind, outcome.state.key), outcome.text()
        had = self._had.setdefault((environment_id, key), set())
        if len(had) < MAX_OUTCOMES:
            had.add(text.id)
        elif text.id not in had:
            text = OTHER
        keys, place = self._pending.setdefault(environment_id, {}), (hour_of(at), text)
        if (before := keys.get(key, {}).get(place)) is not None:
            keys[key][place] = Count(before.times + count, at)
        elif self._size < self._max_pending:
            keys.setdefault(key, {})[place] = Count(count, at)
            self._size += 1
        else:
            if self.dropped == 0:
                log.warning("evaluations are not counted, as the database has not taken any counts for long")
            self.dropped += count


def _some(keys: dict[KeyRef, Counts]) -> dict[KeyRef, Counts]:
    """The counts of the first few keys, and all of each."""
    some: dict[KeyRef, Counts] = {}
    size = 0
    for key, counts in keys.items():
        some[key] = counts
        size += len(counts)
        if size >= AT_ONCE:
            break
    return some
