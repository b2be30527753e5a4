"""Who waits for the turn to write is looked at again when it has come: what was decided before may hold no longer."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from app.domain.actors import Anonymous, Member
from app.domain.preconditions import IfMatch
from app.models import Environment, Project
from app.services import members, users
from app.store.unit_of_work import UnitOfWork
from tests.clients import Reply
from tests.factories import Instance, Workspace

pytestmark = pytest.mark.all_pairs

Call = Coroutine[Any, Any, Reply]


async def at_its_turn(call: Call, monkeypatch: pytest.MonkeyPatch) -> "asyncio.Task[Reply]":
    """The call, as far as its wait for the turn: it has been let in."""
    arrived, begin_write = asyncio.Event(), UnitOfWork.begin_write

    async def noted(uow: UnitOfWork) -> None:
        if not isinstance(uow.actor, Anonymous):  # the node's own tasks write, too
            arrived.set()
        await begin_write(uow)

    monkeypatch.setattr(UnitOfWork, "begin_write", noted)
    task = asyncio.create_task(call)
    task.add_done_callback(lambda _: arrived.set())
    await arrived.wait()
    monkeypatch.undo()
    assert not task.done()
    return task


async def as_member(caller: Any) -> Member:
    actor = (await caller.make("me"))["actor"]
    return Member(actor["id"], actor["name"], "session")


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
    instance: Instance, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, operation: str, asked: dict[str, Any]
) -> None:
    ids = {"projectId": workspace.project_id, "environmentId": workspace.environment_id}
    arguments = {name: value or ids[name] for name, value in asked.items()}
    owner, admin = await as_member(workspace.org.owner), await as_member(workspace.org.admin)
    async with instance.node.unit("req_other", owner) as other:
        await members.update_member(other, workspace.org.slug, admin.user_id, {"role": "editor"}, IfMatch())
        await other.lock(Project, [workspace.project_id])
        await other.lock(Environment, [workspace.environment_id])
        waiting = await at_its_turn(workspace.org.admin.do(operation, **arguments), monkeypatch)
    reply = await waiting
    assert (reply.code, reply.status) == ("insufficient_role", 403)
    assert (await instance.audited())[-1].action == "change_role"


@pytest.mark.raises_codes("unauthorized")
async def test_who_deletes_themselves_in_this_moment_founds_nothing(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, ada = await instance.person("ada")
    async with instance.node.unit("req_other", await as_member(ada)) as other:
        await users.delete_me(other, {"confirm": user.email})
        waiting = await at_its_turn(ada.do("createOrg", slug="acme", name="Acme"), monkeypatch)
    reply = await waiting
    assert (reply.code, reply.status) == ("unauthorized", 401)
    rows = await instance.rows()
    assert [rows[table] for table in ("org", "membership")] == [[], []]
