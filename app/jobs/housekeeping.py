"""Deletes expired sessions and links, known browsers, news and failed mail that are old, and the audit of organisations
long gone, and writes down which proposals have expired, once an hour. Where audit and states are kept for a time only,
it deletes what is older."""

from datetime import timedelta

from app.domain.ids import new_request_id
from app.jobs.worker import Job
from app.runtime.node import Node
from app.services import proposals, usage
from app.services.known_browsers import LIFETIME
from app.store import audit, known_browsers, links, mail, proposal_news, retention, sessions
from app.store.unit_of_work import UnitOfWork

KEPT_LINKS = timedelta(days=1)  # for a while a link is answered with `magic_link_expired`, not `magic_link_invalid`
KEPT_MAIL = timedelta(days=30)  # for the operator to see what could not be sent
KEPT_NEWS = timedelta(days=1)  # long after the change that it was told of: nothing is told twice
KEPT_AUDIT = timedelta(days=90)  # of organisations that were deleted
MAX_EVENTS = 1000
EVERY_SECONDS = timedelta(hours=1).total_seconds()


async def sweep(uow: UnitOfWork) -> None:
    await uow.begin_write()
    at = uow.now
    await sessions.sweep(uow.session, at)
    await links.sweep(uow.session, at - KEPT_LINKS)
    await known_browsers.sweep(uow.session, at - LIFETIME)
    await mail.sweep(uow.session, at - KEPT_MAIL)
    await proposal_news.sweep(uow.session, at - KEPT_NEWS)
    await audit.sweep_deleted_orgs(uow.session, at - KEPT_AUDIT)


async def expire_proposals(node: Node) -> None:
    """However many have expired, nobody else's write waits for more than a few of them."""
    while True:
        async with node.unit(new_request_id()) as uow:
            if not await proposals.expire(uow):
                return


async def sweep_past(node: Node) -> None:
    """Deletes the audit and the states of longer ago than is kept, a few at a time."""
    if (days := node.settings.audit_days) is None:
        return
    before = node.clock.now() - timedelta(days=days)
    swept = True
    while swept:
        async with node.unit(new_request_id()) as uow:
            await uow.begin_write()
            swept = await audit.sweep_events(uow.session, before, MAX_EVENTS)
    async with node.unit(new_request_id()) as uow:
        ids = await retention.environment_ids(uow.session)
    for environment_id in ids:
        swept = True
        while swept:
            async with node.unit(new_request_id()) as uow:
                await uow.begin_write()
                swept = await retention.sweep_versions(uow.session, environment_id, before)


async def sweep_usage(node: Node) -> None:
    """Deletes counts of evaluations that are older than is kept, some at a time."""
    swept = True
    while swept:
        async with node.unit(new_request_id()) as uow:
            swept = await usage.sweep(uow, MAX_EVENTS)


def housekeeping_job(node: Node) -> Job:
    async def run() -> float:
        async with node.unit(new_request_id()) as uow:
            await sweep(uow)
        await expire_proposals(node)
        await sweep_past(node)
        await sweep_usage(node)
        return EVERY_SECONDS

    return Job("housekeeping", run, first_pause=EVERY_SECONDS)
