"""Sends the mail of the queue, one by one, and queues that of news."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.message import EmailMessage

import structlog

from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.jobs.worker import Job
from app.mail.rendering import rendered
from app.mail.transports import Transport, Undelivered
from app.models import QueuedMail
from app.runtime.node import Node
from app.services import mail, mail_messages, proposal_news
from app.services.mail_messages import Message
from app.settings import Settings
from app.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
LONGEST_PAUSE = timedelta(minutes=1)  # another node may have queued a mail, or died while it sent one


def mail_job(node: Node, transport: Transport) -> Job:
    delivery = Delivery(node, transport)

    async def run() -> float:
        delivered, spread = await delivery.deliver_one(), await delivery.spread_news()
        return 0.0 if delivered or spread else await delivery.pause()

    return Job("mail", run, wake=node.mail_waits)


class Delivery:
    def __init__(
        self,
        node: Node,
        transport: Transport,
        compose: Callable[[UnitOfWork, QueuedMail, Settings], Awaitable[Message | None]] = mail_messages.compose,
        render: Callable[[Message, str], EmailMessage] = rendered,
    ) -> None:
        self._node = node
        self._transport = transport
        self._compose = compose
        self._render = render

    async def deliver_one(self) -> bool:
        """Delivers a mail that is due. False when there was none."""
        async with self._unit() as uow:
            queued = await mail.take(uow)
        if queued is None:
            return False
        await self._deliver(queued)
        return True

    async def spread_news(self) -> bool:
        """Queues mail to some of those who are to hear of news. False when there is none, and when it failed: that must
        not keep the mail waiting."""
        try:
            async with self._unit() as uow:
                return await proposal_news.spread(uow)
        except AppError as fault:
            log.warning("news failed", error=str(fault))
        except Exception:
            log.exception("news failed")
        return False

    async def pause(self) -> float:
        """Seconds until the next mail is due."""
        async with self._unit() as uow:
            due_at = await mail.next_due_at(uow)
        pause = LONGEST_PAUSE if due_at is None else min(due_at - self._node.clock.now(), LONGEST_PAUSE)
        return max(0.0, pause.total_seconds())

    async def _deliver(self, queued: QueuedMail) -> None:
        """Whatever is wrong with one mail must not keep the others waiting."""
        facts = {"queued": queued.id, "kind": queued.kind, "attempt": queued.attempts}
        try:
            sent = await self._send(queued)
        except (Undelivered, AppError) as fault:
            for_good = isinstance(fault, Undelivered) and fault.for_good
            log.warning("mail failed", **facts, error=str(fault))
            await self._failed(queued, str(fault), for_good=for_good)
        except Exception as fault:
            log.exception("mail failed", **facts)
            await self._failed(queued, type(fault).__name__, for_good=True)
        else:
            if sent:
                log.info("mail sent", **facts)
            async with self._unit() as uow:
                await mail.done(uow, queued)
                await proposal_news.done(uow, queued, sent=sent)

    async def _failed(self, queued: QueuedMail, why: str, *, for_good: bool) -> None:
        async with self._unit() as uow:
            given_up = await mail.failed(uow, queued, why, for_good=for_good)
            await proposal_news.failed(uow, queued, given_up=given_up)

    async def _send(self, queued: QueuedMail) -> bool:
        """False if there is no longer anybody to send it to. The lease on the mail is committed before this begins."""
        async with self._unit() as uow:
            await uow.begin_write()
            message = await self._compose(uow, queued, self._node.settings)
        if message is None:
            return False
        await self._transport.deliver(queued, message, self._render(message, self._node.settings.sender))
        return True

    def _unit(self) -> UnitOfWork:
        return self._node.unit(new_request_id())
