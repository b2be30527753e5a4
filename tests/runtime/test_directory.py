"""Who may evaluate is known in memory: what a commit changes acts at once, what others changed within a second."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, event
from sqlmodel import col

from app.models import Membership
from app.runtime.directory import MAX_KEPT, TTL_SECONDS, Directory
from app.store.changeset import Commit, EnvironmentCommit
from app.store.resolve import Resolved
from app.store.tenancy import Tenant
from tests.clients import Api
from tests.clock import SetClock, now
from tests.factories import Instance, Workspace

ADA = Tenant(user_id="ada")
FOUND = Resolved(None, None)  # type: ignore[arg-type]


async def code_of(caller: Api, workspace: Workspace) -> str | None:
    return (await caller.do("evaluate", environmentId=workspace.environment_id, context={})).code


async def test_a_known_caller_evaluates_without_a_query(workspace: Workspace) -> None:
    statements: list[str] = []

    def note(*args: object) -> None:
        statements.append(str(args[2]))

    assert await code_of(workspace.org.viewer, workspace) is None
    event.listen(Engine, "before_cursor_execute", note)
    assert await code_of(workspace.org.viewer, workspace) is None
    event.remove(Engine, "before_cursor_execute", note)
    assert statements == []


async def test_who_is_removed_evaluates_no_more(workspace: Workspace) -> None:
    assert await code_of(workspace.org.viewer, workspace) is None
    me = (await workspace.org.viewer.make("me"))["actor"]["id"]
    await workspace.org.owner.make("removeMember", orgSlug=workspace.org.slug, userId=me)
    assert await code_of(workspace.org.viewer, workspace) == "not_found"


@pytest.mark.parametrize("operation", ["deleteEnvironment", "deleteProject", "deleteOrg"])
async def test_what_is_deleted_is_not_found(workspace: Workspace, operation: str) -> None:
    owner, slug = workspace.org.owner, workspace.org.slug
    calls = {
        "deleteEnvironment": {"environmentId": workspace.environment_id, "confirm": "prod"},
        "deleteProject": {"projectId": workspace.project_id, "confirm": "web"},
        "deleteOrg": {"slug": slug, "confirm": slug},
    }
    assert await code_of(owner, workspace) is None
    await owner.make(operation, **calls[operation])
    assert await code_of(owner, workspace) == "not_found"


async def test_what_another_process_changed_acts_within_a_second(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    assert await code_of(workspace.org.viewer, workspace) is None
    await instance.execute(delete(Membership).where(col(Membership.role) == "viewer"))
    clock.ahead += timedelta(seconds=TTL_SECONDS)
    assert await code_of(workspace.org.viewer, workspace) == "not_found"


def test_what_a_commit_may_have_changed_while_it_was_read_is_not_kept() -> None:
    directory = Directory(lambda: 0.0)
    before = directory.generation
    directory.follow(Commit(invalidated=("a membership",)))
    directory.keep("production", ADA, FOUND, before)
    assert directory.find("production", ADA) is None
    directory.keep("production", ADA, FOUND, directory.generation)
    assert directory.find("production", ADA) is FOUND
    assert directory.find("production", Tenant(org_id="acme")) is None


def test_a_write_of_a_state_leaves_all_known() -> None:
    directory = Directory(lambda: 0.0)
    directory.keep("production", ADA, FOUND, directory.generation)
    directory.follow(Commit((EnvironmentCommit("production", 2, now(), "userId", ()),)))
    assert directory.find("production", ADA) is FOUND


def test_there_is_a_bound() -> None:
    directory = Directory(lambda: 0.0)
    for number in range(MAX_KEPT + 1):
        directory.keep(str(number), ADA, FOUND, directory.generation)
    assert directory.find("0", ADA) is None
    assert directory.find(str(MAX_KEPT), ADA) is FOUND
