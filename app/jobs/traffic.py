"""Writes what was chosen of the traffic that environments sample: once a second if there is anything, and at the end.
Once a minute it deletes what has expired."""

from functools import partial

from app.domain.ids import new_request_id
from app.jobs.worker import Job
from app.runtime.node import Node
from app.services import traffic_sample

EVERY_SECONDS = 1.0
SWEEP_SECONDS = 60.0


async def write_chosen(node: Node) -> None:
    """All that was chosen before. Raises what the database raises; what was chosen is kept then."""
    async with node.traffic.writing:
        for environment_id, reservoir in list(node.traffic.reservoirs.items()):
            if chosen := reservoir.take():
                try:
                    async with node.unit(new_request_id()) as uow:
                        drawn = await traffic_sample.add_chosen(uow, environment_id, reservoir.sampling, chosen)
                except BaseException:
                    reservoir.give_back(chosen)
                    raise
                if drawn is None:
                    await node.follow_samplings()
                else:
                    reservoir.wrote(drawn)
                    reservoir.renew()


async def sweep(node: Node) -> None:
    """Deletes what has expired, and follows what other nodes have set."""
    async with node.unit(new_request_id()) as uow:
        await traffic_sample.sweep(uow)
    await node.follow_samplings()
    for reservoir in node.traffic.reservoirs.values():
        reservoir.renew()


def traffic_job(node: Node) -> Job:
    swept_at = node.clock.monotonic()

    async def run() -> float:
        nonlocal swept_at
        await write_chosen(node)
        if (now := node.clock.monotonic()) - swept_at >= SWEEP_SECONDS:
            swept_at = now
            await sweep(node)
        return EVERY_SECONDS

    return Job("traffic samples", run, first_pause=EVERY_SECONDS, at_end=partial(write_chosen, node))
