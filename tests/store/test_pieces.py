"""Long results are read in pieces, and others have their turns in between."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, insert, select
from sqlmodel import col

from app.domain.ids import new_id
from app.models import Primitive
from app.store.pieces import PIECE, all_rows
from tests.factories import Instance, Workspace

FLAGS = 3 * PIECE


class Turns:
    """Counts how many entities are made in each turn of the loop."""

    def __init__(self) -> None:
        self.made = [0]

    def note(self, *_: Any) -> None:
        self.made[-1] += 1

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.made.append(0)


@contextmanager
def watched() -> Iterator[Turns]:
    turns = Turns()
    event.listen(Primitive, "load", turns.note)
    task = asyncio.create_task(turns.watch())
    yield turns
    task.cancel()
    event.remove(Primitive, "load", turns.note)


async def test_others_have_their_turns_while_entities_are_made(instance: Instance, workspace: Workspace) -> None:
    query = select(Primitive).where(col(Primitive.project_id) == workspace.project_id)
    async with instance.node.database.writing() as session:
        one = (await session.execute(query.limit(1))).scalar_one().model_dump()
        flags = [{**one, "id": new_id(), "key": f"flag-{number}"} for number in range(FLAGS)]
        await session.execute(insert(Primitive), flags)
        await session.commit()
    async with instance.node.database.reading() as session:
        with watched() as turns:
            rows = await all_rows(session, query)
    assert sum(turns.made) == len(rows) > FLAGS
    assert max(turns.made) <= PIECE
