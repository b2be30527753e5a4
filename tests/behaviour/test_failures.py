"""What goes wrong on our side: hidden from callers, reported to the operator, and never half done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.models import Environment
from app.store.engines import Database
from tests.clients import Api
from tests.factories import Instance, Workspace
from tests.logged import logged


class BrokenRulesets:
    """Where an evaluation goes wrong."""

    async def get(self, environment_id: str, _: int = 0) -> Any:
        raise ZeroDivisionError(f"the secret cause, in {environment_id}")


async def attempt(caller: Api, workspace: Workspace) -> Any:
    return await caller.do("evaluate", environmentId=workspace.environment_id, context={"secret": "of the caller"})


@pytest.mark.raises_codes("internal")
async def test_a_bug_is_hidden_from_the_caller_and_logged_with_its_traceback(
    instance: Instance, workspace: Workspace, request_lines: list[str]
) -> None:
    broken: Any = BrokenRulesets()
    instance.node.host = replace(instance.node.host, rulesets=broken)
    with logged(request_lines) as logs:
        reply = await attempt(workspace.org.viewer, workspace)
    assert (reply.code, reply.status, reply.fields) == ("internal", 500, {})
    assert "secret" not in reply.message
    assert "ZeroDivision" not in reply.message
    (reported,) = [line for line in logs if line.get("log_level") == "error"]
    assert reported["requestId"] == reply.request_id
    assert isinstance(reported["exc_info"], ZeroDivisionError)
    assert "of the caller" not in repr([{**line, "exc_info": None} for line in logs])


class BrokenDatabase:
    """The instance's database, where something goes wrong when everything has been written and nothing committed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        async with self._database.writing() as session:
            event.listen(session.sync_session, "before_commit", self._break)
            yield session

    def _break(self, _: Session) -> None:
        raise ZeroDivisionError


async def test_a_bug_in_a_write_leaves_nothing_behind(instance: Instance, workspace: Workspace) -> None:
    node: Any = instance.node
    sound, node.database = node.database, BrokenDatabase(node.database)
    async with instance.unchanged():
        reply = await workspace.org.editor.do("killFlag", **workspace.banner)
        assert (reply.code, reply.status) == ("internal", 500)
    node.database = sound
    assert (await workspace.evaluated("banner"))["reason"] == {"kind": "default"}
    assert (await workspace.org.editor.make("killFlag", **workspace.banner))["version"] == workspace.environment[
        "version"
    ] + 1


@pytest.mark.all_pairs
@pytest.mark.raises_codes("unavailable")
async def test_a_write_that_waits_too_long_for_its_turn_says_so(instance: Instance, workspace: Workspace) -> None:
    instance.node.database.write_wait_seconds = 1
    async with instance.unchanged(), instance.node.unit("req_other") as other:
        await other.begin_write()
        await other.lock(Environment, [workspace.environment_id])
        reply = await workspace.org.editor.do("killFlag", **workspace.banner)
        assert (reply.code, reply.status) == ("unavailable", 503)
    assert (await workspace.org.editor.make("killFlag", **workspace.banner))["killed"] is True


@pytest.mark.all_pairs
async def test_a_caller_who_leaves_in_the_middle_of_a_write_blocks_nobody(workspace: Workspace) -> None:
    async def impatient(n: int) -> None:
        async with asyncio.timeout(0.001 * n):
            await workspace.org.editor.do("updateFlagState", **workspace.banner, defaultValue=f"write {n}")

    await asyncio.gather(*(impatient(n) for n in range(20)), return_exceptions=True)
    before = await workspace.version()
    assert (await workspace.org.editor.make("killFlag", **workspace.banner))["version"] == before + 1
