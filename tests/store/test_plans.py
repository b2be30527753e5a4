"""Lists of primitives and states are answered through indexes: by a filter, and in an order, without looking at more.

A search for a part of a text looks at the identities of one project.
"""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.lists import Sorting, Standing
from app.domain.proposals import ProposalStatus
from app.engine.kinds import Kind
from app.models import Environment
from app.store import identities, states
from app.store.identities import Filter
from app.store.paging import Place, Window
from app.store.proposals import Visible
from tests.clock import now
from tests.factories import Instance, Workspace
from tests.store.plans import Plan, plan, statements

ID = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"
PLACES = {"created": None, "key": "k", "updated": "2026-11-30T12:00:00+00:00"}
WINDOWS = {
    sorting: Window(after=Place(ID, PLACES[sorting.column]), from_end=sorting is Sorting.KEY_DESC)
    for sorting in Sorting
}
EVERYTHING = Visible(now(), [ProposalStatus.PENDING], None, dict.fromkeys(Kind))
of_flags = partial(Filter, within={Kind.FLAG: None})
OF_IDENTITIES = {
    "key": of_flags(key="k"),
    "prefix": of_flags(prefix="k."),
    "type": of_flags(value_type="boolean"),
    "tags": of_flags(tags=("a", "b")),
    "maintainer": of_flags(maintainer_id=ID),
    "search": of_flags(search="k"),
}
OF_STATES = {
    **OF_IDENTITIES,
    "state": of_flags(standing=Standing.ON),
    "updated by": of_flags(updated_by=ID),
    "open proposal": of_flags(has_open_proposal=True),
    "no open proposal": of_flags(has_open_proposal=False),
    "stale": of_flags(stale=True, stale_days=-1),  # or what was made just now would be too young to look at
    "not stale": of_flags(stale=False, stale_days=-1),
}


@pytest.fixture
async def session(instance: Instance, engine: str) -> AsyncIterator[AsyncSession]:
    """One in which PostgreSQL uses indexes for small tables, too, wherever it can."""
    async with instance.node.database.reading() as session:
        if engine == "postgres":
            for other in ("seqscan", "sort"):
                await (await session.connection()).exec_driver_sql(f"SET LOCAL enable_{other} = off")
        yield session


async def plan_of(session: AsyncSession, workspace: Workspace, chosen: Filter, of_states: bool, window: Window) -> Plan:
    with statements("FROM primitive") as executed:
        if of_states:
            environment = await session.get_one(Environment, workspace.environment_id)
            await states.list_current(session, environment, chosen, window, EVERYTHING)
        else:
            await identities.list_of_project(session, workspace.project_id, chosen, window)
    (statement,) = executed
    return await plan(session, statement)


FILTERS = [
    *(pytest.param(chosen, False, id=f"identities by {name}") for name, chosen in OF_IDENTITIES.items()),
    *(pytest.param(chosen, True, id=f"states by {name}") for name, chosen in OF_STATES.items()),
]


@pytest.mark.parametrize(("chosen", "of_states"), FILTERS)
async def test_a_filter_is_looked_up(
    session: AsyncSession, workspace: Workspace, chosen: Filter, of_states: bool
) -> None:
    found = await plan_of(session, workspace, chosen, of_states, WINDOWS[chosen.sorting])
    assert not found.scanned, found.text


@pytest.mark.parametrize("of_states", [False, True], ids=["identities", "states"])
@pytest.mark.parametrize("sorting", Sorting)
async def test_an_order_is_an_indexs(
    session: AsyncSession, workspace: Workspace, sorting: Sorting, of_states: bool
) -> None:
    for window in (WINDOWS[sorting], Window()):
        found = await plan_of(session, workspace, of_flags(sorting=sorting), of_states, window)
        assert not found.scanned, found.text
        assert not found.sorts, found.text
