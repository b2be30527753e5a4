"""Prepared queries read what a session reads, in the same snapshot, however the two are mixed."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, inspect, literal_column, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import Role
from app.engine.kinds import KeyRef, Kind
from app.models import Environment, Membership, Org, Primitive, Project, State, Table
from app.store.engines.prepared import Prepared
from app.store.resolve import Level, Resolved, resolve
from app.store.tenancy import Tenant
from tests.factories import Instance, Workspace

NAMED = Prepared(select(Environment).where(col(Environment.id) == bindparam("id")))
Read = Callable[[AsyncSession, str], Awaitable[str]]


async def prepared(session: AsyncSession, environment_id: str) -> str:
    ((environment,),) = await NAMED.rows(session, id=environment_id)
    return str(environment.name)


async def by_session(session: AsyncSession, environment_id: str) -> str:
    return (
        await session.execute(select(col(Environment.name)).where(col(Environment.id) == environment_id))
    ).scalar_one()


def values(row: Table | None) -> Any:
    """What the entity holds, and who looks after it."""
    if row is None:
        return None
    held = {one.key: getattr(row, one.key) for one in inspect(type(row)).column_attrs}
    return type(row), held, values(getattr(row, "maintainer", None))


def rows(found: Resolved) -> list[Any]:
    """All that was found."""
    assert found.here is not None
    return [found.org, found.project, found.environment, found.primitive, found.here.state]


@pytest.mark.parametrize("looked_after", [True, False])
async def test_the_entities_are_those_of_a_session(
    instance: Instance,
    workspace: Workspace,
    looked_after: bool,
) -> None:
    me = (await workspace.org.owner.make("me"))["actor"]["id"]
    flag = {"projectId": workspace.project_id, "key": "banner"}
    if looked_after:
        await workspace.org.owner.make("updateFlag", **flag, maintainerId=me, tags=["a", "b"])
    named = Level.ENVIRONMENT, workspace.environment_id, Tenant(user_id=me), KeyRef(Kind.FLAG, "banner")
    asked = *named, instance.node.clock.now()
    async with instance.node.database.reading() as session:
        read = await resolve(session, *asked)
    async with instance.node.database.writing() as session:
        kept = await resolve(session, *asked)
        assert kept is not None
        assert kept.primitive in session
        assert read is not None
        assert [values(row) for row in rows(read)] == [values(row) for row in rows(kept)]
        assert read.role is kept.role is Role.OWNER
    assert {type(row) for row in rows(read)} == {Org, Project, Environment, Primitive, State}
    assert all(inspect(row).detached for row in rows(read))


async def test_what_an_outer_join_does_not_find_is_none(instance: Instance, workspace: Workspace) -> None:
    me = (await workspace.org.owner.make("me"))["actor"]["id"]
    async with instance.node.database.reading() as session:
        found = await resolve(session, Level.PROJECT, workspace.project_id, Tenant(user_id=me), KeyRef(Kind.FLAG, "x"))
    assert found is not None
    assert (found.role, found.environment, found.primitive) == (Role.OWNER, None, None)


@pytest.mark.parametrize(
    "reads", [[prepared] * 2, [prepared, by_session, prepared], [by_session, prepared, by_session]]
)
async def test_all_reads_of_a_session_see_one_snapshot(
    instance: Instance, workspace: Workspace, reads: list[Read]
) -> None:
    environment_id, before = workspace.environment_id, workspace.environment["name"]
    async with instance.node.database.reading() as session:
        seen = [await reads[0](session, environment_id)]
        await workspace.org.owner.make("updateEnvironment", environmentId=environment_id, name="Another")
        seen += [await read(session, environment_id) for read in reads[1:]]
        assert seen == [before] * len(reads)
        await session.close()  # and goes on with another one
        assert [await read(session, environment_id) for read in reads] == ["Another"] * len(reads)


async def test_a_session_gives_its_connection_back(instance: Instance, workspace: Workspace) -> None:
    for _ in range(30):  # more than there are connections
        async with instance.node.database.reading() as session:
            await prepared(session, workspace.environment_id)
            await by_session(session, workspace.environment_id)


async def test_what_cannot_be_run_is_an_error_of_the_database(instance: Instance, workspace: Workspace) -> None:
    broken = Prepared(select(col(Membership.role)).where(literal_column("nothing") == 1))
    async with instance.node.database.reading() as session:
        with pytest.raises(DBAPIError):
            await broken.rows(session)
    async with instance.node.database.reading() as session:
        assert await prepared(session, workspace.environment_id) == workspace.environment["name"]
