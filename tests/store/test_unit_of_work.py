"""The unit of work: a service can forget neither the version, nor the audit, nor to tell the serving side."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from app.domain.actors import Member, Role
from app.domain.errors import AppError
from app.domain.operations import Operation
from app.engine.kinds import Kind
from app.models import Environment, EnvironmentVersion, Membership, Primitive, Project, State
from app.store.changeset import Commit
from app.store.unit_of_work import Subject, UnitOfWork
from tests.clock import SetClock, now
from tests.factories import Instance, Workspace

ADA = Member("ada", "Ada", "session", proven=True)


def unit(instance: Instance) -> UnitOfWork:
    return instance.node.unit("req_test", ADA)


async def loaded(uow: UnitOfWork, workspace: Workspace) -> tuple[Environment, list[Primitive]]:
    await uow.begin_write()
    environment = await uow.session.get_one(Environment, workspace.environment_id)
    flags = select(Primitive).where(col(Primitive.kind) == Kind.FLAG).order_by(col(Primitive.id))
    return environment, list((await uow.session.execute(flags)).scalars())


async def current(uow: UnitOfWork, flag: Primitive) -> State:
    query = select(State).where(col(State.primitive_id) == flag.id, col(State.to_version).is_(None))
    return (await uow.session.execute(query)).scalar_one()


def subject(workspace: Workspace) -> Subject:
    return Subject(workspace.project["orgId"], "project", workspace.project_id, "web", workspace.project_id)


async def write(instance: Instance, workspace: Workspace, value: str) -> None:
    """Both flags in one transaction."""
    async with unit(instance) as uow:
        environment, flags = await loaded(uow, workspace)
        for flag in flags:
            state = await current(uow, flag)
            uow.changes.write_state(environment, flag, state, actor=ADA.as_json(), default_value=value)
        uow.record(Operation.UPDATE_STATE, subject(workspace), reason="Both at once.")


async def test_one_transaction_is_one_version_however_much_it_changes(instance: Instance, workspace: Workspace) -> None:
    await write(instance, workspace, '"x"')
    assert await workspace.version() == workspace.environment["version"] + 1
    states = await workspace.org.viewer.make("flagStates", environmentId=workspace.environment_id)
    assert [state["version"] for state in states] == [workspace.environment["version"] + 1] * 2
    event = (await instance.audited())[-1]
    assert (event.action, event.reason, event.request_id, event.actor["name"]) == (
        "update_state",
        "Both at once.",
        "req_test",
        "Ada",
    )
    assert await instance.audited_versions(event) == {workspace.environment_id: workspace.environment["version"] + 1}


async def test_states_by_version_have_no_gaps_and_no_overlaps(instance: Instance, workspace: Workspace) -> None:
    for n in range(3):
        await write(instance, workspace, f'"{n}"')
        await workspace.org.editor.make("killFlag" if n % 2 else "restoreFlag", **workspace.banner)
    async with unit(instance) as uow:
        flags = (await uow.session.execute(select(Primitive))).scalars().all()
        for flag in flags:
            query = select(State).where(col(State.primitive_id) == flag.id).order_by(col(State.from_version))
            states = (await uow.session.execute(query)).scalars().all()
            assert [state.to_version for state in states] == [*(state.from_version for state in states[1:]), None]
            assert len({state.id for state in states}) == 1
        versions = (await uow.session.execute(select(EnvironmentVersion.version).order_by("version"))).scalars().all()
    assert list(versions) == list(range(1, await workspace.version() + 1))


async def test_what_fails_leaves_nothing_behind(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        with pytest.raises(ZeroDivisionError):
            await fail_at_the_end(instance, workspace)
    assert (await workspace.evaluated("checkout"))["reason"] == {"kind": "default"}
    await write(instance, workspace, '"x"')
    assert await workspace.version() == workspace.environment["version"] + 1


async def fail_at_the_end(instance: Instance, workspace: Workspace) -> None:
    async with unit(instance) as uow:
        await write_only(uow, workspace)
        uow.record(Operation.KILL, subject(workspace))
        await uow.flush()
        raise ZeroDivisionError


async def test_a_change_that_nobody_recorded_is_not_committed(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        for change in (rename, write_only):
            with pytest.raises(RuntimeError, match="audit"):
                async with unit(instance) as uow:
                    await change(uow, workspace)


async def rename(uow: UnitOfWork, workspace: Workspace) -> None:
    await uow.begin_write()
    (await uow.session.get_one(Project, workspace.project_id)).name = "Silently renamed"


async def write_only(uow: UnitOfWork, workspace: Workspace) -> None:
    environment, flags = await loaded(uow, workspace)
    state = await current(uow, flags[0])
    uow.changes.write_state(environment, flags[0], state, actor=ADA.as_json(), killed=True)


async def test_nobody_changes_what_is_audited(instance: Instance, workspace: Workspace) -> None:
    async def kill() -> None:
        async with instance.node.unit("req_test") as uow:
            await uow.begin_write()
            uow.record(Operation.KILL, subject(workspace))

    with pytest.raises(TypeError):
        await kill()


async def test_a_change_before_the_write_begins_is_not_forgotten_but_refused(
    instance: Instance, workspace: Workspace
) -> None:
    async with unit(instance) as uow:
        for change in (lambda: uow.changes.invalidate("x"), lambda: uow.record(Operation.KILL, subject(workspace))):
            with pytest.raises(RuntimeError):
                change()


async def test_what_reads_cannot_write(instance: Instance) -> None:
    with pytest.raises(DBAPIError):
        async with instance.node.database.reading() as session:
            await session.execute(delete(Primitive))


async def test_a_versions_time_is_never_before_its_predecessors(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    for drift in (timedelta(hours=2), timedelta(0), timedelta(hours=-5)):
        clock.ahead = drift
        await write(instance, workspace, f'"{drift}"')
    async with unit(instance) as uow:
        query = select(EnvironmentVersion.at).order_by(col(EnvironmentVersion.version))
        times = (await uow.session.execute(query)).scalars().all()
    assert list(times) == sorted(times)
    assert times[-1] == times[-2] == times[-3] > now()


async def test_the_process_is_told_after_the_commit_and_of_commits_only(
    instance: Instance, workspace: Workspace
) -> None:
    reported: list[Commit] = []
    node = instance.node
    node.host = replace(node.host, on_commit=(*node.host.on_commit, reported.append))
    await write(instance, workspace, '"x"')
    (commit,) = reported
    assert [(one.environment_id, one.version, len(one.deltas)) for one in commit.environments] == [
        (workspace.environment_id, workspace.environment["version"] + 1, 2)
    ]
    with pytest.raises(RuntimeError):
        async with unit(instance) as uow:
            await write_only(uow, workspace)
    await workspace.org.viewer.make("flagStates", environmentId=workspace.environment_id)
    assert len(reported) == 1


async def test_a_read_sees_one_moment(instance: Instance, workspace: Workspace) -> None:
    async with unit(instance) as uow:
        before = (await uow.session.execute(select(col(State.default_value)))).scalars().all()
        await write(instance, workspace, '"x"')
        assert (await uow.session.execute(select(col(State.default_value)))).scalars().all() == before


async def test_only_the_reason_is_free_text_in_the_audit_of_a_state(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="bye", reason="Because.")
    event = (await instance.audited())[-1]
    assert (event.previous_value, event.new_value, event.reason) == (None, None, "Because.")


async def test_what_refers_to_a_row_that_has_gone_in_this_moment_may_be_tried_again(
    instance: Instance, workspace: Workspace
) -> None:
    async def join() -> None:
        async with unit(instance) as uow:
            await uow.begin_write()
            uow.add(Membership(org_id=workspace.project["orgId"], user_id="erased", role=Role.VIEWER))

    async with instance.unchanged():
        with pytest.raises(AppError, match="unavailable"):
            await join()
