"""Who waits for the turn to write is looked at again when it has come: what was decided before may hold no longer."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.actors import Member
from app.domain.preconditions import IfMatch
from app.models import Environment, Project
from app.services import members, users
from app.store.engines import Database
from tests.clients import Reply
from tests.factories import Instance, Workspace

pytestmark = pytest.mark.all_pairs

Call = Coroutine[Any, Any, Reply]
ARRIVED: ContextVar[asyncio.Event | None] = ContextVar("arrived", default=None)


class WatchedDatabase:
    """The instance's database, which says when a call that is watched asks for its turn to write."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        if (arrived := ARRIVED.get()) is not None:
            arrived.set()
        return self._database.writing()


async def at_its_turn(instance: Instance, call: Call) -> "asyncio.Task[Reply]":
    """The call, as far as its wait for the turn: it has been let in."""
    database: Any = WatchedDatabase(instance.node.database)
    instance.node.database = database
    ARRIVED.set(arrived := asyncio.Event())  # the call's task sees it, and no task of the node's own
    task = asyncio.create_task(call)
    ARRIVED.set(None)
    task.add_done_callback(lambda _: arrived.set())
    await arrived.wait()
    assert not task.done()
    return task


async def as_member(caller: Any) -> Member:
    actor = (await caller.make("me"))["actor"]
    return Member(actor["id"], actor["name"], "session", proven=True)


@pytest.mark.raises_codes("insufficient_role")
@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("updateEnvironment", {"environmentId": "", "protected": True}),
        ("createEnvironment", {"projectId": "", "key": "dev", "name": "Dev", "protected": True}),
        ("createProject", {"orgSlug": "acme", "key": "app", "name": "App", "targetIdField": "device"}),
        ("updateProject", {"projectId": "", "targetIdField": "userId"}),  # what ids are taken from anyway
    ],
)
async def test_an_admin_who_is_demoted_while_they_wait_does_what_editors_do(
    instance: Instance, workspace: Workspace, operation: str, asked: dict[str, Any]
) -> None:
    ids = {"projectId": workspace.project_id, "environmentId": workspace.environment_id}
    arguments = {name: value or ids[name] for name, value in asked.items()}
    owner, admin = await as_member(workspace.org.owner), await as_member(workspace.org.admin)
    async with instance.node.unit("req_other", owner) as other:
        await members.update_member(other, workspace.org.slug, admin.user_id, {"role": "editor"}, IfMatch())
        await other.lock(Project, [workspace.project_id])
        await other.lock(Environment, [workspace.environment_id])
        waiting = await at_its_turn(instance, workspace.org.admin.do(operation, **arguments))
    reply = await waiting
    assert (reply.code, reply.status) == ("insufficient_role", 403)
    assert (await instance.audited())[-1].action == "change_role"


@pytest.mark.raises_codes("unauthorized")
async def test_who_deletes_themselves_in_this_moment_founds_nothing(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    async with instance.node.unit("req_other", await as_member(ada)) as other:
        await users.delete_me(other, {"confirm": user.email})
        waiting = await at_its_turn(instance, ada.do("createOrg", slug="acme", name="Acme"))
    reply = await waiting
    assert (reply.code, reply.status) == ("unauthorized", 401)
    rows = await instance.rows()
    assert [rows[table] for table in ("org", "membership")] == [[], []]
