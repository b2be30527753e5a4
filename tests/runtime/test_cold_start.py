"""A node that has just started: many who evaluate at once wait for one load, and for no connection of each other."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import col

from app.domain.ids import new_id
from app.models import Primitive, State
from app.runtime.clock import SYSTEM_CLOCK
from app.runtime.rulesets import RulesetCache
from app.store.engines.sqlite import READERS
from tests.factories import Instance, Workspace

FLAGS = 500
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


class Observed:
    """In the place of the thread for what is long. Whatever it does, the loop does something in the meantime."""

    def __init__(self, instance: Instance) -> None:
        self.times = 0
        self._off_loop = instance.node.off_loop
        instance.node.host = replace(instance.node.host, off_loop=self)

    async def __call__(self, work: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        self.times += 1

        def met() -> Any:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()
            return work()

        return await self._off_loop(met)


class Rows(list[Any]):
    """States, of which it is known which threads have looked at them."""

    def __init__(self, rows: Iterable[Any]) -> None:
        super().__init__(rows)
        self.threads = set[int]()

    def __iter__(self) -> Iterator[Any]:
        self.threads.add(threading.get_ident())
        return super().__iter__()


async def test_a_large_environment_is_loaded_once_when_asked_for_and_holds_nobody_up(
    instance: Instance, workspace: Workspace
) -> None:
    await fill(instance, workspace)
    cache, loads = RulesetCache(instance.node.database, SYSTEM_CLOCK), list[Rows]()
    load = cache.load

    async def loading(session: Any, environment_id: str) -> Any:
        found = await load(session, environment_id)
        assert found is not None
        loads.append(Rows(found.states))
        return found._replace(states=loads[-1])

    cache.load = loading
    assert cache.present(workspace.environment_id) is None
    rulesets = await asyncio.gather(*(cache.get(workspace.environment_id) for _ in range(50)))
    cache.close()
    (rows,) = loads
    assert rows.threads
    assert threading.get_ident() not in rows.threads
    assert len({id(one) for one in rulesets}) == 1
    compiled = rulesets[0].compiled
    assert len(compiled.primitives) > FLAGS
    assert all(batch.is_new for batch in compiled.batches)


async def test_many_who_ask_for_all_of_it_first_hold_nobody_up(instance: Instance, workspace: Workspace) -> None:
    await fill(instance, workspace)
    rulesets, off_loop = instance.node.rulesets, Observed(instance)

    async def ask(times: int) -> list[Any]:
        asked = {"environmentId": workspace.environment_id, "context": {"plan": "pro", "age": 30}}
        replies = await asyncio.gather(*(workspace.org.viewer.do("evaluate", **asked) for _ in range(times)))
        return [reply.data["evaluations"] for reply in replies]

    first, times = await ask(10), off_loop.times
    second = await ask(10)
    assert 0 < times == off_loop.times
    assert all(one == first[0] for one in (*first, *second))
    assert len(first[0]) > FLAGS
    found = rulesets.present(workspace.environment_id)
    assert found is not None
    assert not any(batch.is_new for batch in found.compiled.batches)
