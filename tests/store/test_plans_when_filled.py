"""However much there is by now, what is asked for is looked up: nothing walks through a table that grows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import col

from app.domain.actors import EnvironmentScope, ResourcePattern
from app.domain.proposals import ProposalStatus
from app.engine.kinds import SPECS, KeyRef, Kind
from app.models import Environment, Primitive, Proposal, State, Table
from app.store import (
    audit,
    differences,
    entries,
    open_proposals,
    past,
    proposals,
    quotas,
    references,
    retention,
    rulesets,
    states,
)
from app.store.paging import Place, Window
from app.store.resolve import Level, resolve
from app.store.tenancy import Tenant
from tests.factories import Workspace
from tests.postgres import KeptDatabase
from tests.store.filled import NOW, START, fill, id_of, some
from tests.store.plans import plan, statements

GROWING = {
    "audit_event",
    "audit_version",
    "environment_version",
    "primitive",
    "proposal",
    "proposal_content",
    "proposal_target",
    "state",
    "state_entry",
    "state_reference",
}
PAGE = 101
ONE = some()
Query = Callable[[AsyncSession, Window], Awaitable[Any]]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of one that knows nothing of its tables, as an instance's."""
    made = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('filled')}/filled.db"
    asyncio.run(_fill(made))
    return made


@pytest.fixture(scope="module")
def analysed(sqlite: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of one that somebody had look at its tables."""
    copy = f"{tmp_path_factory.mktemp('analysed')}/filled.db"
    asyncio.run(_execute(sqlite, f"VACUUM INTO '{copy}'"))
    made = f"sqlite+aiosqlite:///{copy}"
    asyncio.run(_execute(made, "ANALYZE"))
    return made


@pytest.fixture(scope="module")
def postgres(server: tuple[KeptDatabase, Workspace]) -> Iterator[str]:
    """The address of one of PostgreSQL, which looks at its tables by itself after a while."""
    address = server[0].address.rpartition("/")[0].replace("://", "+asyncpg://", 1)
    asyncio.run(_execute(f"{address}/postgres", "CREATE DATABASE filled"))
    made = f"{address}/filled"
    asyncio.run(_fill(made))
    asyncio.run(_execute(made, "ANALYZE"))
    yield made
    asyncio.run(_execute(f"{address}/postgres", "DROP DATABASE filled"))


@pytest.fixture(scope="module", params=["sqlite", "analysed", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    """Where each filled database is, in turn."""
    found: str = request.getfixturevalue(request.param)
    return found


async def _execute(address: str, statement: str) -> None:
    engine = create_async_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(statement))


async def _fill(address: str) -> None:
    async with create_async_engine(address, poolclass=NullPool).begin() as connection:
        await connection.run_sync(fill)


@pytest.fixture
async def session(address: str) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(address, poolclass=NullPool)
    async with AsyncSession(engine) as session:
        if engine.dialect.name == "postgresql":  # a row by an index costs what it does where tables are in memory
            await session.execute(text("SET random_page_cost = 1.1"))
        yield session


def _audit_lists() -> Iterator[tuple[str, Query]]:
    """Of an organisation: by each filter, by pairs of them, and by all."""
    filters: dict[str, dict[str, Any]] = {
        "type": {"resource_type": Kind.FLAG.value},
        "key": {"resource_key": "key-960"},
        "environment": {"environment_id": ONE.environment_id},
        "actor": {"actor_id": ONE.user_id},
        "action": {"action": "update_state"},
        "since": {"since": START + timedelta(days=1)},
        "until": {"until": NOW},
    }
    for number in (0, 1, 2, len(filters)):
        for names in combinations(filters, number):
            chosen = audit.Chosen(**{name: value for one in names for name, value in filters[one].items()})
            yield (
                " ".join(["audit of an organisation", *(["by", *names] if names else [])]),
                lambda session, window, chosen=chosen: audit.list_of_org(session, ONE.org_id, chosen, window),
            )


def _lists() -> Iterator[tuple[str, Query]]:
    """Lists that are sorted as an index is, for one parent."""
    yield from _audit_lists()
    for name, column, parent_id in (
        ("a project", audit.OF_PROJECT, ONE.project_id),
        ("an environment", audit.OF_ENVIRONMENT, ONE.environment_id),
        ("a primitive", audit.OF_RESOURCE, ONE.primitive_id),
    ):
        yield (
            f"audit of {name}",
            lambda session, window, column=column, parent_id=parent_id: audit.lists_below(
                session, column, [parent_id], audit.Chosen(), window
            ),
        )
    yield (
        "audit of the instance",
        lambda session, window: audit.list_of_instance(session, window, org_ids=None, since=None),
    )
    yield (
        "audit of the instance since",
        lambda session, window: audit.list_of_instance(session, window, org_ids=None, since=NOW - timedelta(days=30)),
    )
    yield (
        "audit of the instance of an organisation",
        lambda session, window: audit.list_of_instance(session, window, org_ids=[ONE.org_id], since=None),
    )
    for seen, visible in VISIBLE.items():
        for name, column, parent_id in (
            ("an organisation", col(Proposal.org_id), ONE.org_id),
            ("a project", col(Proposal.project_id), ONE.project_id),
            ("a primitive", proposals.OF_PRIMITIVE, ONE.primitive_id),
        ):
            yield (
                f"{seen} proposals of {name}",
                lambda session, window, column=column, parent_id=parent_id, visible=visible: proposals.lists_below(
                    session, column, [parent_id], visible, window
                ),
            )
        yield (
            f"{seen} proposals of an environment",
            lambda session, window, visible=visible: _of_environments(session, [ONE.environment_id], visible, window),
        )
        yield (
            f"{seen} proposals of a token's organisation",
            lambda session, window, visible=visible: proposals.list_of_tenant(
                session, TENANTS["a token"], visible, window
            ),
        )


_ALL_KINDS = dict.fromkeys(Kind)
VISIBLE = {
    "all": proposals.Visible(NOW, (), None, _ALL_KINDS),
    "pending": proposals.Visible(NOW, (ProposalStatus.PENDING,), None, _ALL_KINDS),
    "expired": proposals.Visible(NOW, (ProposalStatus.EXPIRED,), None, _ALL_KINDS),
    "ended": proposals.Visible(NOW, (ProposalStatus.APPLIED, ProposalStatus.CANCELLED), None, _ALL_KINDS),
    "a token's": proposals.Visible(
        NOW,
        (),
        EnvironmentScope(environments=frozenset([ONE.environment_id])),
        dict.fromkeys(Kind, (ResourcePattern.parse("key-96*"),)),
    ),
}
TENANTS = {"a user": Tenant(user_id=ONE.user_id), "a token": Tenant(org_id=ONE.org_id)}
LISTS = dict(_lists())


def _two(table: Any) -> list[str]:
    return [id_of(table, 50), id_of(table, 51)]


async def _of_environments(
    session: AsyncSession, ids: Sequence[str], visible: proposals.Visible, window: Window
) -> None:
    found = [await session.get_one(Environment, one) for one in ids]
    await proposals.lists_of_environments(session, found, visible, window)


async def _of_proposal(session: AsyncSession, query: Callable[[Proposal], Awaitable[Any]]) -> None:
    await query(await session.get_one(Proposal, ONE.proposal_id))


async def _of_state(session: AsyncSession, query: Callable[[State], Awaitable[Any]]) -> None:
    found = await states.at_version(session, ONE.environment_id, ONE.primitive_id, 1)
    assert found is not None
    await query(found)


async def _state_by_key(session: AsyncSession, tenant: Tenant) -> None:
    primitive = await session.get_one(Primitive, ONE.primitive_id)
    asked = KeyRef(primitive.kind, primitive.key)
    found = await resolve(session, Level.ENVIRONMENT, ONE.environment_id, tenant, asked, NOW)
    assert found is not None
    assert found.here is not None


QUERIES: dict[str, Query] = {
    "a state, for a token": lambda session, _: _state_by_key(session, Tenant(org_id=ONE.org_id)),
    "a state, for a member": lambda session, _: _state_by_key(session, Tenant(user_id=ONE.user_id)),
    "audit: event of a user": lambda session, _: audit.find(session, ONE.event_id, TENANTS["a user"]),
    "audit: event of a token": lambda session, _: audit.find(session, ONE.event_id, TENANTS["a token"]),
    "audit: events": lambda session, _: audit.events(session, [ONE.event_id]),
    "audit: versions": lambda session, _: audit.versions(session, [ONE.event_id]),
    "audit of several projects": lambda session, window: audit.lists_below(
        session, audit.OF_PROJECT, _two(Environment), audit.Chosen(), window
    ),
    "audit of several environments": lambda session, window: audit.lists_below(
        session, audit.OF_ENVIRONMENT, _two(Environment), audit.Chosen(), window
    ),
    "audit of several primitives": lambda session, window: audit.lists_below(
        session, audit.OF_RESOURCE, _two(Primitive), audit.Chosen(), window
    ),
    "audit: sweep of events": lambda session, _: audit.sweep_events(session, START + timedelta(hours=1), 100),
    "audit: sweep of organisations": lambda session, _: audit.sweep_deleted_orgs(session, NOW),
    "proposals: one of a user": lambda session, _: proposals.find(session, ONE.proposal_id, TENANTS["a user"]),
    "proposals: one of a token": lambda session, _: proposals.find(session, ONE.proposal_id, TENANTS["a token"]),
    "proposals: same": lambda session, _: _of_proposal(session, lambda one: proposals.same(session, one, NOW)),
    "proposals: keys": lambda session, _: proposals.keys_of(session, [ONE.proposal_id]),
    "proposals: deleted targets": lambda session, _: proposals.deleted_targets(session, [ONE.proposal_id]),
    "proposals: end of targets": lambda session, _: proposals.end_targets(session, [ONE.proposal_id]),
    "proposals: contents": lambda session, _: proposals.contents(session, [ONE.proposal_id]),
    "proposals: sizes": lambda session, _: proposals.sizes(session, [ONE.proposal_id]),
    "proposals: last reviews": lambda session, _: proposals.last_reviews(session, [ONE.proposal_id]),
    "proposals: to review": lambda session, _: proposals.count_to_review(session, ONE.user_id, NOW),
    "proposals: open": lambda session, _: open_proposals.open_on(session, _two(Primitive), VISIBLE["pending"]),
    "proposals: past their time": lambda session, _: proposals.past_their_time(session, NOW, 50),
    "proposals of several environments": lambda session, window: _of_environments(
        session, _two(Environment), VISIBLE["all"], window
    ),
    **{
        f"proposals: {seen} of projects": lambda session, _, visible=visible: proposals.counts_of_projects(
            session, [ONE.project_id], visible
        )
        for seen, visible in VISIBLE.items()
    },
    **{
        f"proposals: {seen} of {name}": lambda session, _, visible=visible, tenant=tenant: proposals.count_of_tenant(
            session, tenant, visible
        )
        for seen, visible in VISIBLE.items()
        for name, tenant in TENANTS.items()
    },
    **{  # sorted, for they are of several organisations
        f"proposals: {seen} of a user's organisations": lambda session, window, visible=visible: (
            proposals.list_of_tenant(session, TENANTS["a user"], visible, window)
        )
        for seen, visible in VISIBLE.items()
    },
    "ruleset: all": lambda session, _: rulesets.load(session, ONE.environment_id),
    "ruleset: since": lambda session, _: rulesets.written_since(session, ONE.environment_id, 40, 45, references=True),
    "differences": lambda session, _: differences.differing(session, ONE.environment_id, ONE.other_environment_id),
    "differences of some": lambda session, _: differences.differing(
        session, ONE.environment_id, ONE.other_environment_id, [ONE.primitive_id]
    ),
    "entries: of a state": lambda session, _: _of_state(session, lambda one: entries.entries_of(session, one)),
    "entries: at a version": lambda session, _: _of_state(session, lambda one: entries.entries_at(session, one, 9)),
    "entries: among": lambda session, _: _of_state(
        session, lambda one: entries.entries_among(session, one, "allowList", ["u-1", "u-2"])
    ),
    "entries: a page": lambda session, window: _of_state(
        session,
        lambda one: entries.list_entries(session, [one.id], SPECS[Kind.SEGMENT].dimensions[-1], None, Window()),
    ),
    "entries: a page of the past": lambda session, window: _of_state(
        session,
        lambda one: entries.list_entries(session, [one.id], SPECS[Kind.SEGMENT].dimensions[-1], "u", Window(), 9),
    ),
    "entries: all": lambda session, _: entries.all_entries(session, ONE.environment_id),
    "past: version at": lambda session, _: past.version_at(session, ONE.environment_id, NOW),
    "past: first kept": lambda session, _: past.first_kept(session, ONE.environment_id),
    "past: versions": lambda session, _: past.versions_between(session, ONE.environment_id, 3, 9, 100),
    "past: ruleset": lambda session, _: past.load(session, ONE.environment_id, 20, 50),
    "past: changes": lambda session, _: past.changes(session, ONE.environment_id, 3, 9),
    "states: several at a version": lambda session, _: states.all_at_version(
        session, ONE.environment_id, _two(Primitive), 9
    ),
    "states: versions": lambda session, _: states.versions(session, ONE.primitive_id),
    "states: sizes": lambda session, _: states.sizes(session, ONE.primitive_id),
    "states: of keys": lambda session, _: states.currents(session, ONE.environment_id, [(Kind.FLAG, "key-960")]),
    "references: graphs": lambda session, _: references.reference_graphs(session, ONE.project_id, [ONE.environment_id]),
    "retention": lambda session, _: retention.sweep_versions(session, ONE.environment_id, NOW),
    "quotas: primitives": lambda session, _: quotas.primitives(session, ONE.project_id, NOW),
    "quotas: environments": lambda session, _: quotas.environments(session, ONE.project_id, NOW),
    "quotas: proposals": lambda session, _: quotas.pending_proposals(session, ONE.project_id, NOW),
    "quotas: bytes of proposals": lambda session, _: quotas.bytes_of_pending_proposals(session, ONE.project_id, NOW),
    "quotas: founded": lambda session, _: quotas.orgs_founded(session, ONE.user_id, NOW),
}


def test_what_belongs_to_a_row_is_found_from_it() -> None:
    for name in GROWING:
        table = Table.metadata.tables[name]
        leading = {next(iter(index.columns)).name for index in table.indexes} | {next(iter(table.primary_key)).name}
        assert {key.parent.name for key in table.foreign_keys} <= leading, name


@pytest.mark.parametrize("name", QUERIES)
async def test_nothing_walks_through_a_table_that_grows(session: AsyncSession, name: str) -> None:
    with statements() as executed:
        await QUERIES[name](session, Window())
    assert executed
    for statement in executed:
        found = await plan(session, statement)
        assert not (found.scanned | found.walked) & GROWING, found.text


# Where SQLite was told that there are few rows of a key it may sort these, and does not say how many.
@pytest.mark.parametrize("address", ["sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("name", LISTS)
async def test_a_page_is_read_in_the_order_of_an_index(session: AsyncSession, name: str) -> None:
    later = Place(id_of(Proposal, 900), NOW.isoformat())
    with statements() as executed:
        for window in (Window(), Window(after=later), Window(from_end=True)):
            await LISTS[name](session, window)
    for statement in executed:
        found = await plan(session, statement)
        assert not (found.scanned | found.walked) & GROWING, found.text
        if "LIMIT" in statement.text:  # what belongs to the rows of a page may be sorted
            assert max(found.sorts, default=0) <= PAGE, found.text
