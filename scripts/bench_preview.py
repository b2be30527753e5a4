"""Previews of 100 drafts on 1,000 contexts: how long they take, and what a bystander notices meanwhile."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from scripts._bench import API, served
from scripts.bench_hostile import MOST_TIMES, Target, idling, p99, resident, seed, watched

CONTEXTS, DRAFTS = 1_000, 100
PREVIEWS_EACH = 3
FIELDS = 40  # of a context, of which a long one has as many as make the body long
LONG = 480
ORDINARY, LONG_BODY = "ordinary contexts", "a body of 16 MiB"


def drafts() -> dict[str, Any]:
    """Rules of flags as they are: a group, a segment, a split."""
    rules = [
        {
            "if": {"$and": [{"field": "plan", "$equals": "pro"}, {"field": "field-3", "$in": ["3", "4"]}]},
            "value": False,
        },
        {"if": {"$or": [{"field": "userId", "$endsWith": "7"}, {"field": "n", "$gt": 900}]}, "value": False},
        {"split": [{"percent": 50, "value": True}, {"percent": 50, "value": False}]},
    ]
    return {f"flag-{n}": {"rules": rules} for n in range(DRAFTS)}


def body(fields: int) -> dict[str, Any]:
    def context(n: int) -> dict[str, Any]:
        return {
            "userId": f"u-{n}",
            "plan": "pro",
            "n": n,
            **{f"field-{one}": f"value-{one}-{n}" for one in range(fields)},
        }

    return {"spotCheck": [context(n) for n in range(CONTEXTS)], "ruleset": {"flags": drafts()}}


async def previews(target: Target, asked: dict[str, Any], callers: int) -> str:
    path = f"{API}/envs/{target.environment}/evaluate/preview"

    async def caller() -> list[int]:
        sizes = []
        async with target.server.line(target.owner) as line:
            for _ in range(PREVIEWS_EACH):
                answer = await line.call("POST", path, asked)
                assert answer.status == 200, answer.content[:500]  # noqa: PLR2004
                sizes.append(len(answer.content))
        return sizes

    found = await asyncio.gather(*(caller() for _ in range(callers)))
    return f"{len(json.dumps(asked)) / 2**20:.1f} MiB sent, {found[0][0] / 2**20:.1f} MiB received"


async def measured(target: Target, name: str, asked: dict[str, Any], callers: int, idle: float) -> None:
    before = resident(target.server)
    outcome, times, seconds = await watched(target, previews(target, asked, callers))
    each = seconds / PREVIEWS_EACH
    worst = p99(times)
    told = "" if worst < MOST_TIMES * idle else "  ! beyond the target"
    print(
        f"{name}, {callers} at once: {each:.1f} s each; bystander's p99 {worst:.1f} ms, {worst / idle:.1f} times idle, "
        f"max {max(times):.1f} ms; {before:.0f} → {resident(target.server):.0f} MB resident; {outcome}{told}",
        flush=True,
    )


async def main() -> None:
    with served() as server:
        async with server.line() as owner:
            await server.claim(owner)
            target = await seed(server, owner)
            _, times, _ = await watched(target, idling())
            idle = p99(times)
            print(f"idle: p99 {idle:.1f} ms, {resident(server):.0f} MB resident")
            for name, fields in ((ORDINARY, FIELDS), (LONG_BODY, LONG)):
                for callers in (1, 2):
                    await measured(target, name, body(fields), callers, idle)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
