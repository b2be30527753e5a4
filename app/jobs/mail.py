"""Takes letters from the queue, one by one, and hands them to the carrier. One runs in each process that serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.mail.rendering import worded
from app.mail.transports import Carrier, Undelivered, carrier_for
from app.models import Letter, now
from app.runtime.node import Node
from app.services import housekeeping, mail, mail_messages
from app.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
LONGEST_REST = 60.0  # another node may have died and left a letter, or the database may be back
SWEEPS_EVERY = timedelta(hours=1)


class Postman:
    """Sleeps until a letter is queued in this process or one is due."""

    def __init__(self, node: Node, carrier: Carrier) -> None:
        self._node = node
        self._carrier = carrier
        self._swept_at = now()

    async def run(self) -> None:
        """For ever. Whatever goes wrong is logged and tried again: the letters are in the database."""
        while True:
            self._node.mail_waits.clear()
            try:
                await self._sweep()
                while await self.deliver_one():
                    pass
                rest = await self._rest()
            except AppError as refused:
                log.warning("mail waits", why=refused.message)
                rest = LONGEST_REST
            except Exception:
                log.exception("mail waits")
                rest = LONGEST_REST
            await self._sleep(rest)

    async def deliver_one(self) -> bool:
        """Delivers a letter that is due. False when there was none."""
        async with self._unit() as uow:
            letter = await mail.take(uow)
        if letter is None:
            return False
        await self._deliver(letter)
        return True

    async def _deliver(self, letter: Letter) -> None:
        """Notes what became of the letter: one that we cannot compose or word must not keep the others waiting."""
        try:
            sent = await self._send(letter)
        except (Undelivered, AppError) as fault:
            for_good = isinstance(fault, Undelivered) and fault.for_good
            log.warning("mail failed", letter=letter.id, kind=letter.kind, attempt=letter.attempts, why=str(fault))
            async with self._unit() as uow:
                await mail.failed(uow, letter, str(fault), for_good=for_good)
        except Exception as fault:
            log.exception("mail failed", letter=letter.id, kind=letter.kind, attempt=letter.attempts)
            async with self._unit() as uow:
                await mail.failed(uow, letter, type(fault).__name__, for_good=True)
        else:
            if sent:
                log.info("mail sent", letter=letter.id, kind=letter.kind, attempt=letter.attempts)
            async with self._unit() as uow:
                await mail.done(uow, letter)

    async def _send(self, letter: Letter) -> bool:
        """False where there is nobody to send it to any more. In a unit of its own, for the taking must stand."""
        async with self._unit() as uow:
            await uow.begin_write()
            message = await mail_messages.compose(uow, letter, self._node.settings)
        if message is None:
            return False
        await self._carrier.carry(letter, message, worded(message, self._node.settings.sender))
        return True

    async def _sweep(self) -> None:
        if now() - self._swept_at >= SWEEPS_EVERY:
            self._swept_at = now()
            async with self._unit() as uow:
                await housekeeping.sweep(uow)

    async def _rest(self) -> float:
        async with self._unit() as uow:
            due_at = await mail.next_due_at(uow)
        return LONGEST_REST if due_at is None else max(0.0, min((due_at - now()).total_seconds(), LONGEST_REST))

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._node.mail_waits.wait()
        except TimeoutError:
            return

    def _unit(self) -> UnitOfWork:
        return self._node.unit(new_request_id())


@asynccontextmanager
async def working(node: Node) -> AsyncIterator[None]:
    """A postman at work on the node."""
    task = asyncio.create_task(Postman(node, carrier_for(node.settings)).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
