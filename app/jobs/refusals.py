"""Writes refused callers to the audit: once a minute those that are due, and at the end all."""

from functools import partial

from app.jobs.worker import Job
from app.runtime.node import Node
from app.store.host import Client
from app.store.unit_of_work import UnitOfWork

EVERY_SECONDS = 60.0


async def write_refusals(node: Node, *, everything: bool = False) -> None:
    def unit(request_id: str, client: Client) -> UnitOfWork:
        return node.unit(request_id, client=client)

    await node.refusals.write(unit, everything=everything)


def refusals_job(node: Node) -> Job:
    async def run() -> float:
        await write_refusals(node)
        return EVERY_SECONDS

    return Job("refusals", run, first_pause=EVERY_SECONDS, at_end=partial(write_refusals, node, everything=True))
