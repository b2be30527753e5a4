"""Counts each request with an API key against its limits, and answers how much is left of them."""

from app.domain.errors import AppError
from app.domain.rate_limits import Taken
from app.http.requests import RequestInfo
from app.runtime.credentials import LiveApiKey
from app.runtime.node import Node


async def take(node: Node, info: RequestInfo, token: LiveApiKey) -> None:
    """One request from the token's bucket and its organisation's. Raises `token_rate_limit`."""
    actor = token.actor
    taken = await node.buckets.take(actor.token_id, token.limit, actor.org_id, token.org_limit)
    info.headers = headers_of(taken)
    if taken.retry_after:
        raise AppError("token_rate_limit", headers={"Retry-After": str(taken.retry_after)})


def headers_of(taken: Taken) -> list[tuple[bytes, bytes]]:
    """`X-RateLimit-*`, ready to be sent."""
    return [
        (b"x-ratelimit-limit", b"%d" % taken.limit),
        (b"x-ratelimit-remaining", b"%d" % taken.remaining),
        (b"x-ratelimit-reset", b"%d" % taken.reset),
    ]
