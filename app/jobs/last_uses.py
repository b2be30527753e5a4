"""Saves when API keys and sessions were last used: once a minute, and once more at the end."""

from functools import partial

from app.domain.ids import new_request_id
from app.jobs.worker import Job
from app.runtime.node import Node

EVERY_SECONDS = 60.0


async def write_last_uses(node: Node) -> None:
    """Raises what the database raises, once both were tried; the uses are kept then."""
    try:
        await node.api_keys.write_uses(lambda: node.unit(new_request_id()))
    finally:
        await node.sessions.write_uses(lambda: node.unit(new_request_id()))


def last_uses_job(node: Node, every_seconds: float = EVERY_SECONDS) -> Job:
    async def run() -> float:
        await write_last_uses(node)
        return every_seconds

    return Job("last uses", run, first_pause=every_seconds, at_end=partial(write_last_uses, node))
