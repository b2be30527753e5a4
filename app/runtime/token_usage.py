"""When tokens first evaluated, and what they were last refused, noted in memory until a job saves it."""

from collections.abc import Callable
from datetime import UTC, datetime

from app.domain.catalogue import CATALOGUE
from app.domain.usage import TokenRefusal
from app.runtime.clock import Clock
from app.services import usage
from app.store.unit_of_work import UnitOfWork

MAX_TOKENS = 50_000
_ABOUT_TOKENS = frozenset({401, 403, 429})
"""The statuses of refusals that are about who asks, and not about what is asked for."""


class TokenUsages:
    """`evaluating` are the tokens that have evaluated: those are not noted again."""

    def __init__(self, clock: Clock) -> None:
        self.evaluating: set[str] = set()
        self._clock = clock
        self._first: dict[str, datetime] = {}  # not saved yet
        self._refusals: dict[str, TokenRefusal] = {}

    def note_first(self, token_id: str) -> None:
        """It evaluates, for the first time that this process knows of."""
        if len(self.evaluating) >= MAX_TOKENS:
            self.evaluating.clear()
        self.evaluating.add(token_id)
        if len(self._first) < MAX_TOKENS:
            self._first.setdefault(token_id, self._now())

    def note_refusal(self, token_id: str, code: str, request_id: str) -> None:
        """A request of the token's was refused, if that is about the token."""
        if CATALOGUE[code].status not in _ABOUT_TOKENS:
            return
        if token_id in self._refusals or len(self._refusals) < MAX_TOKENS:
            self._refusals[token_id] = TokenRefusal(code, self._now(), request_id)

    async def flush(self, unit: Callable[[], UnitOfWork]) -> None:
        """Saves what was noted. What cannot be saved is kept for the next time."""
        if not self._first and not self._refusals:
            return
        first, refusals, self._first, self._refusals = self._first, self._refusals, {}, {}
        try:
            async with unit() as uow:
                await usage.note_tokens(uow, first, refusals)
        except BaseException:
            self._first, self._refusals = self._first | first, refusals | self._refusals
            raise

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.posix(), UTC)
