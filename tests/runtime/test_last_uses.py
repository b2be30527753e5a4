"""When tokens were last used: no use is lost when the process stops."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from app.runtime import last_uses
from app.runtime.last_uses import LastUses


async def test_a_flush_that_the_end_interrupts_is_done_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_uses, "EVERY_SECONDS", 0)
    begun, written = asyncio.Event(), []

    async def write(uses: Mapping[str, datetime]) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        written.append(dict(uses))

    uses = LastUses(write)
    async with uses.flushing():
        uses.note("a", 1)
        uses.note("b", 1)
        await begun.wait()
        uses.note("b", 2)
    first, second = (datetime.fromtimestamp(at, UTC) for at in (1, 2))
    assert written == [{"a": first, "b": second}]
