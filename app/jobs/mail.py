"""Takes mails from the queue, one by one, and hands them to the transport. One runs in each process that serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.mail.rendering import rendered
from app.mail.transports import Transport, Undelivered, transport_for
from app.models import QueuedMail, now
from app.runtime.node import Node
from app.services import housekeeping, mail, mail_messages
from app.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
LONGEST_REST = 60.0  # another node may have died and left a queued, or the database may be back
SWEEPS_EVERY = timedelta(hours=1)


class MailWorker:
    """Sleeps until a mail is queued in this process or one is due."""

    def __init__(self, node: Node, transport: Transport) -> None:
        self._node = node
        self._carrier = transport
        self._swept_at = now()

    async def run(self) -> None:
        """For ever. Whatever goes wrong is logged and tried again: the mails are in the database."""
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
        """Delivers a mail that is due. False when there was none."""
        async with self._unit() as uow:
            queued = await mail.take(uow)
        if queued is None:
            return False
        await self._deliver(queued)
        return True

    async def _deliver(self, queued: QueuedMail) -> None:
        """Notes what became of the mail: one that we cannot compose or word must not keep the others waiting."""
        try:
            sent = await self._send(queued)
        except (Undelivered, AppError) as fault:
            for_good = isinstance(fault, Undelivered) and fault.for_good
            log.warning("mail failed", queued=queued.id, kind=queued.kind, attempt=queued.attempts, why=str(fault))
            async with self._unit() as uow:
                await mail.failed(uow, queued, str(fault), for_good=for_good)
        except Exception as fault:
            log.exception("mail failed", queued=queued.id, kind=queued.kind, attempt=queued.attempts)
            async with self._unit() as uow:
                await mail.failed(uow, queued, type(fault).__name__, for_good=True)
        else:
            if sent:
                log.info("mail sent", queued=queued.id, kind=queued.kind, attempt=queued.attempts)
            async with self._unit() as uow:
                await mail.done(uow, queued)

    async def _send(self, queued: QueuedMail) -> bool:
        """False where there is nobody to send it to any more. In a unit of its own, for the taking must stand."""
        async with self._unit() as uow:
            await uow.begin_write()
            message = await mail_messages.compose(uow, queued, self._node.settings)
        if message is None:
            return False
        await self._carrier.deliver(queued, message, rendered(message, self._node.settings.sender))
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
    """A worker at work on the node."""
    task = asyncio.create_task(MailWorker(node, transport_for(node.settings)).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
