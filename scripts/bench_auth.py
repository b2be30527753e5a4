"""Measures what a bearer request costs on top of its handler: token, policy and both buckets, without a query."""

import asyncio
import cProfile
import pstats
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.cli.demo import OWNER, Filler
from app.domain.operations import Operation
from app.domain.policy import Allow, AskedKey, Target, decide
from app.domain.rate_limits import MICROSECONDS
from app.engine.kinds import Kind
from app.http.authentication import authenticate
from app.http.requests import RequestInfo, info_of
from app.main import open_node
from app.runtime.node import Node
from app.runtime.rate_limits import MemoryBuckets
from app.services import api_keys, claim, environments, instance, projects
from app.settings import Settings

REQUESTS, ROUNDS, LIMIT = 20_000, 9, 8.0
BODY = b'{"value":true,"reason":{"kind":"default"}}'


async def bare(_: Scope, __: Receive, send: Send) -> None:
    """The handler without any of it."""
    await _answer(send, [])


def guarded(node: Node, target: Target) -> ASGIApp:
    """The same behind authentication, policy and buckets."""

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        await authenticate(node, scope)
        info = info_of(scope)
        assert isinstance(decide(info.actor, Operation.EVALUATE, target), Allow)
        await _answer(send, info.rate_headers)

    return app


async def _answer(send: Send, headers: Sequence[tuple[bytes, bytes]]) -> None:
    sent = [(b"content-type", b"application/json"), *headers]
    await send({"type": "http.response.start", "status": 200, "headers": sent})
    await send({"type": "http.response.body", "body": BODY})


async def ignore(_: Message) -> None:
    """Where answers go."""


async def run(app: ASGIApp, headers: list[tuple[bytes, bytes]], requests: int = REQUESTS) -> float:
    """CPU time of a request in microseconds."""
    receive: Any = None
    started = time.process_time()
    for _ in range(requests):
        scope: Scope = {
            "type": "http",
            "client": ("192.0.2.1", 4711),
            "headers": headers,
            "signalbox.request": RequestInfo("req_0123456789abcdef"),
        }
        await app(scope, receive, ignore)
    return (time.process_time() - started) / requests * 1e6


async def prepare(node: Node) -> tuple[str, Target]:
    """A token with a scope as they are in practice, and the environment that it evaluates in."""
    filler = Filler(node)
    code = await filler.do(instance.new_claim_code, node.settings)
    await filler.do(claim.install_claim, {**OWNER, "claimCode": code})
    project = await filler.do(projects.create_project, "demo", {"key": "shop", "name": "Shop"})
    environment = await filler.do(environments.create_environment, project.id, {"key": "live", "name": "Live"})
    minted = await filler.do(
        api_keys.create_api_key,
        "demo",
        {
            "name": "bench",
            "level": "client",
            "environments": {"envs": [environment.id]},
            "resources": ["search.*", "flag:payments.*", "checkout"],
            "rateLimitPerMin": 60_000,
            "ipAllowlist": ["192.0.2.0/24", "2001:db8::/32"],
        },
    )
    asked = (AskedKey((Kind.FLAG, Kind.CONFIG), "payments.card"),)
    return minted.secret, Target(project_id=project.id, environment_id=environment.id, asked=asked)


async def measure(node: Node) -> None:
    """Both handlers in turn, many times, and the least of each."""
    secret, target = await prepare(node)
    node.buckets = MemoryBuckets(Ticks())
    with_token = [(b"host", b"localhost"), (b"accept", b"*/*"), (b"authorization", f"Bearer {secret}".encode())]
    behind = guarded(node, target)
    plain = guards = float("inf")
    for _ in range(ROUNDS):
        plain, guards = min(plain, await run(bare, with_token)), min(guards, await run(behind, with_token))
    extra = guards - plain
    print(f"the bare handler                  {plain:6.2f} µs")
    print(f"behind token, policy, buckets     {guards:6.2f} µs")
    verdict = "held" if extra <= LIMIT else "NOT HELD"
    print(f"what they cost                    {extra:6.2f} µs (at most {LIMIT:.0f}: {verdict})")
    profile = cProfile.Profile()
    profile.enable()
    await run(behind, with_token)
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(14)


class Ticks:
    """A clock on which every request comes a second after the last, so that none is refused."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        """The time."""
        self.at += MICROSECONDS
        return self.at


async def main() -> None:
    """Measures on a fresh instance."""
    with tempfile.TemporaryDirectory() as folder:
        node = await open_node(Settings(data_dir=Path(folder)))
        try:
            await measure(node)
        finally:
            await node.close()


if __name__ == "__main__":
    asyncio.run(main())
