"""A node that has just started: many who evaluate at once wait for one load, and for no connection of each other."""

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlmodel import col

from app.domain.ids import new_id
from app.engine.snapshot import CompiledRuleset
from app.models import Primitive, State
from app.runtime import pauses
from app.runtime.clock import SYSTEM_CLOCK
from app.runtime.rulesets import RulesetCache
from app.store.engines.sqlite import READERS
from tests.factories import Instance, Workspace

FLAGS = 1_000
LONGEST = 0.02  # seconds
RULES = '[{"if":{"$and":[{"field":"plan","$equals":"pro"},{"field":"age","$gte":18}]},"value":true,"rolloutPercent":5}]'


async def test_many_evaluate_on_a_cold_node_at_once(instance: Instance, workspace: Workspace) -> None:
    asked = {"environmentId": workspace.environment_id, "context": {}}
    async with asyncio.timeout(10):
        replies = await asyncio.gather(*(workspace.org.viewer.do("evaluate", **asked) for _ in range(4 * READERS)))
    assert {reply.code for reply in replies} == {None}


async def fill(instance: Instance, workspace: Workspace) -> None:
    """Copies of `checkout`, with rules."""
    async with instance.node.database.writing() as session:
        query = select(Primitive, State).join(State, col(State.primitive_id) == col(Primitive.id))
        at = query.where(col(Primitive.key) == "checkout", col(State.environment_id) == workspace.environment_id)
        of_primitive, of_state = ({**one.model_dump()} for one in (await session.execute(at)).one())
        ids = [new_id() for _ in range(FLAGS)]
        flags = [{**of_primitive, "id": one, "key": f"flag-{number}"} for number, one in enumerate(ids)]
        states = [{**of_state, "id": new_id(), "primitive_id": one, "rules": RULES} for one in ids]
        await session.execute(insert(Primitive), flags)
        await session.execute(insert(State), states)
        await session.commit()


@contextmanager
def observing() -> Iterator[list[float]]:
    """Collects what the loop's own thread computes between two turns of it: how long it is held, however busy the
    machine is."""
    taken: list[float] = []

    async def observe() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            taken.append(time.thread_time() - began)

    task = asyncio.create_task(observe())
    yield taken
    task.cancel()


@pytest.fixture
def short_pauses() -> Iterator[None]:
    """As a server has them."""
    before = gc.get_threshold(), sys.getswitchinterval()
    pauses.shorten()
    yield
    gc.set_threshold(*before[0])
    sys.setswitchinterval(before[1])


def sources(ruleset: CompiledRuleset) -> int:
    return sum(batch.decide is not None for batch in ruleset.batches)


@pytest.mark.usefixtures("short_pauses")
async def test_a_large_environment_is_loaded_once_when_asked_for_and_holds_nobody_up(
    instance: Instance, workspace: Workspace
) -> None:
    await fill(instance, workspace)
    cache, loads = RulesetCache(instance.node.database, SYSTEM_CLOCK), list[str]()
    load = cache.load

    async def loading(session: Any, environment_id: str) -> Any:
        loads.append(environment_id)
        return await load(session, environment_id)

    cache.load = loading
    assert cache.present(workspace.environment_id) is None
    with observing() as taken:
        rulesets = await asyncio.gather(*(cache.get(workspace.environment_id) for _ in range(50)))
    assert loads == [workspace.environment_id]
    assert len({id(one) for one in rulesets}) == 1
    assert len(rulesets[0].compiled.primitives) > FLAGS
    assert max(taken) < LONGEST

    compiled = rulesets[0].compiled
    assert sources(compiled) == 0
    with observing() as taken:
        while sources(compiled) < len(compiled.batches):
            call = compiled.call({"plan": "pro", "age": 30})
            for batch in compiled.batches:
                call.evaluate_batch(batch)
                await asyncio.sleep(0)
    assert max(taken) < LONGEST
    cache.close()
