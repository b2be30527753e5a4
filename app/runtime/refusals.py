"""Callers who did not get in, counted in memory until a job writes them to the audit.

Anybody can be refused as often as they like, so what that writes is bounded: of refusals of the same kind that concern
the same thing there is one row at once, and then one an hour with their number. The log has each of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from app.domain.actors import System
from app.domain.security_events import NOBODY, Concerned, Refusal, SecurityEvent
from app.runtime.clock import Clock
from app.store.host import Client
from app.store.unit_of_work import Subject, UnitOfWork

log = structlog.get_logger()
ONE_EVERY_SECONDS = 3600.0
MAX_KINDS = 1000  # at one time; what comes beyond them counts as concerning nobody
Kind = tuple[SecurityEvent, str, Concerned]


@dataclass(slots=True)
class _Noted:
    """Refusals of one kind that were not written yet; `last` is the latest of them."""

    last: Refusal
    count: int
    written_at: float | None = None


class Refusals:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: dict[Kind, _Noted] = {}

    def note(self, refusal: Refusal) -> None:
        concerned = {refusal.concerned.type: refusal.concerned.id} if refusal.concerned.id else {}
        log.warning(refusal.event.value, code=refusal.code, **concerned)
        kind = refusal.event, refusal.code, refusal.concerned
        if kind not in self._noted and len(self._noted) >= MAX_KINDS:
            refusal = replace(refusal, concerned=NOBODY)
            kind = refusal.event, refusal.code, NOBODY
        noted = self._noted.setdefault(kind, _Noted(refusal, 0))
        noted.last = refusal
        noted.count += 1

    async def write(self, unit: Callable[[str, Client], UnitOfWork], *, everything: bool = False) -> None:
        """Writes what is due, or everything. Raises what the database raises, and goes on the next time from there."""
        for kind, noted in list(self._noted.items()):
            at = self._clock.monotonic()
            due = everything or noted.written_at is None or at - noted.written_at >= ONE_EVERY_SECONDS
            if noted.count == 0:
                if due:
                    del self._noted[kind]
            elif due:
                last, count, noted.count = noted.last, noted.count, 0
                try:
                    await _write(unit(last.request_id, Client(last.address)), last, count)
                except BaseException:
                    noted.count += count
                    raise
                noted.written_at = at


async def _write(unit: UnitOfWork, refusal: Refusal, count: int) -> None:
    concerned = refusal.concerned
    async with unit as uow:
        await uow.begin_write()
        uow.actor = System()
        subject = Subject(concerned.org_id, concerned.type, concerned.id, concerned.key)
        uow.record(refusal.event, subject, new={"code": refusal.code, "count": count})
