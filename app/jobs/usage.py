"""Saves how often flags and configs were evaluated, every few seconds; what is shown of tokens sooner; and all of it
once more at the end."""

from functools import partial

import structlog

from app.domain.ids import new_request_id
from app.jobs.worker import Job
from app.runtime.node import Node
from app.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
EVERY_SECONDS = 1.0
AT_MOST_SECONDS = 5.0  # so much is lost at most when the process is killed, and what one flush takes
RESTS = 20  # times as long as a flush has taken: of very many keys it is made less often
TOKENS_EVERY_SECONDS = 1.0


def _unit(node: Node) -> UnitOfWork:
    return node.unit(new_request_id())


def pause_after(seconds: float) -> float:
    """How long a flush that took so long is followed by none."""
    return min(AT_MOST_SECONDS, max(EVERY_SECONDS, RESTS * seconds))


def usage_job(node: Node) -> Job:
    flush = partial(node.usage.flush, partial(_unit, node))

    async def run() -> float:
        began = node.clock.monotonic()
        try:
            await flush()
        except Exception:  # what was not written is kept, and tried again
            log.warning("usage is not saved", exc_info=True)
            return AT_MOST_SECONDS
        return pause_after(node.clock.monotonic() - began)

    return Job("usage", run, first_pause=EVERY_SECONDS, at_end=flush)


def token_usage_job(node: Node, every_seconds: float = TOKENS_EVERY_SECONDS) -> Job:
    flush = partial(node.token_usages.flush, partial(_unit, node))

    async def run() -> float:
        await flush()
        return every_seconds

    return Job("usage of tokens", run, first_pause=every_seconds, at_end=flush)
