"""When tokens and sessions were last used: noted in memory with each request, and written down once a minute."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

log = structlog.get_logger()
EVERY_SECONDS = 60


class LastUses:
    """The uses since the last writing. `write` keeps them for good."""

    def __init__(self, write: Callable[[Mapping[str, datetime]], Awaitable[None]]) -> None:
        self._write = write
        self._uses: dict[str, float] = {}

    def note(self, used_id: str, at: float) -> None:
        """The token or session is used now, at the POSIX time."""
        self._uses[used_id] = at

    async def flush(self) -> None:
        """Writes down what was noted. What cannot be written now is tried again with the next."""
        if not self._uses:
            return
        uses, self._uses = self._uses, {}
        try:
            await self._write({one: datetime.fromtimestamp(at, UTC) for one, at in uses.items()})
        except Exception as fault:
            log.warning("last uses not written", exc_info=fault)
            self._uses = uses | self._uses
        except asyncio.CancelledError:
            self._uses = uses | self._uses
            raise

    @asynccontextmanager
    async def flushing(self) -> AsyncIterator[None]:
        """Flushes now and then, and once more at the end."""
        task = asyncio.create_task(self._keep_flushing())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.flush()

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.flush()
