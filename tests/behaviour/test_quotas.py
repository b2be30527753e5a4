"""How many of something there may be: a create past that is refused, and what is deleted makes room."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models import Environment, State
from app.settings import Settings
from tests.factories import Instance, Workspace

# What the workspace has of each, and who adds one more with what.
PRESENT = {
    "max_projects": 1,
    "max_members": 5,
    "max_tokens": 1,
    "max_invitations": 1,
    "max_environments": 1,
    "max_primitives": 4,
    "max_proposals": 1,
    "max_orgs": 1,
}


@pytest.fixture
def quotas() -> dict[str, int]:
    return PRESENT


@pytest.fixture
def settings(settings: Settings, quotas: dict[str, int]) -> Settings:
    return settings.model_copy(update=quotas)


CREATES: dict[str, tuple[str, dict[str, Any], str]] = {
    "project": ("createProject", {"key": "more", "name": "More"}, "An organisation can have at most 1 projects."),
    "environment": ("createEnvironment", {"key": "more", "name": "More"}, "A project can have at most 1 environments."),
    "flag": (
        "createFlag",
        {"key": "more", "type": "boolean", "defaultValue": True},
        "A project can have at most 4 flags, configs and segments.",
    ),
    "token": (
        "createApiKey",
        {"name": "more", "level": "client", "environments": {"org": True}, "resources": ["*"]},
        "An organisation can have at most 1 live API keys.",
    ),
    "invitation": (
        "createInvitation",
        {"email": "more@example.com", "role": "viewer"},
        "An organisation can have at most 1 open invitations.",
    ),
    "proposal": (
        "createProposal",
        {"kind": "kill_flag", "resourceKey": "checkout", "diff": {}},
        "A project can have at most 1 pending proposals.",
    ),
    "org": ("createOrg", {"slug": "more", "name": "More"}, "A person can create at most 1 organisations."),
}


def arguments(what: str, workspace: Workspace) -> dict[str, Any]:
    """Where one more is made."""
    if what in {"environment", "flag"}:
        return {"projectId": workspace.project_id}
    if what == "proposal":
        return {"envId": workspace.environment_id}
    return {} if what == "org" else {"orgSlug": workspace.org.slug}


@pytest.mark.parametrize("what", CREATES)
async def test_one_more_than_there_may_be_is_refused(instance: Instance, workspace: Workspace, what: str) -> None:
    operation, body, message = CREATES[what]
    await instance.mails()
    async with instance.unchanged():
        reply = await workspace.org.owner.do(operation, **arguments(what, workspace), **body)
        assert (reply.code, reply.status, reply.fields) == ("invalid_request", 400, {"quota": message})


async def test_what_is_deleted_makes_room(workspace: Workspace) -> None:
    owner = workspace.org.owner
    await owner.make("deleteFlag", projectId=workspace.project_id, key="banner")
    await owner.make("createFlag", projectId=workspace.project_id, key="more", type="boolean", defaultValue=True)
    await owner.make("revokeApiKey", **workspace.key_of_api)
    operation, body, _ = CREATES["token"]
    await owner.make(operation, orgSlug=workspace.org.slug, **body)


async def test_what_waits_for_approval_has_its_number_and_makes_room_by_its_end(
    instance: Instance, workspace: Workspace
) -> None:
    await instance.protect(workspace.environment_id)
    change, quota = {**workspace.checkout, "defaultValue": False}, {"quota": CREATES["proposal"][2]}
    async with instance.unchanged():
        reply = await workspace.org.editor.do("updateFlagState", **change)
        assert (reply.code, reply.fields) == ("invalid_request", quota)
    await workspace.org.editor.make("cancelProposal", proposalId=workspace.proposal_id)
    proposal = await workspace.org.editor.make("updateFlagState", **change)
    assert await workspace.org.editor.make("updateFlagState", **change) == proposal
    assert (await workspace.org.admin.do("updateFlagState", **change)).fields == quota


@pytest.mark.parametrize("quotas", [{"max_proposals": 10}])
async def test_an_agent_that_proposes_on_and_on_leaves_room_for_people(
    instance: Instance, workspace: Workspace
) -> None:
    change = {"envId": workspace.environment_id, "kind": "set_default_value_flag", "resourceKey": "banner"}
    agent, refused = await instance.token(workspace.org, level="proposer"), []
    for number in range(10):
        reply = await agent.do("createProposal", **change, diff={"defaultValue": f"{number}"})
        if reply.code is not None:
            refused.append(reply)
    assert [reply.fields for reply in refused] == [
        {"quota": "A project can have at most 10 pending proposals. The last 10 percent are kept for people."}
    ] * 2
    await instance.protect(workspace.environment_id)
    waiting = await workspace.org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
    assert waiting["status"] == "pending"
    reply = await workspace.org.editor.do("updateFlagState", **workspace.banner, defaultValue="full")
    assert reply.fields == {"quota": "A project can have at most 10 pending proposals."}


async def test_an_invitation_to_a_full_organisation_cannot_be_accepted(
    instance: Instance, workspace: Workspace
) -> None:
    await workspace.org.owner.make("revokeInvitation", orgSlug=workspace.org.slug, invitationId=workspace.invitation_id)
    invited = await workspace.org.owner.make(
        "createInvitation", orgSlug=workspace.org.slug, email="more@example.com", role="viewer"
    )
    secret = invited["acceptUrl"].rpartition("/")[2]
    await instance.mails()
    async with instance.unchanged():
        reply = await instance.anonymous().do("acceptInvitation", token=secret)
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"quota"})


@pytest.mark.all_pairs
@pytest.mark.parametrize("quotas", [{"max_primitives": 6}])
async def test_of_many_at_one_moment_no_more_come_through(workspace: Workspace) -> None:
    body = {"projectId": workspace.project_id, "type": "boolean", "defaultValue": True}
    editor = workspace.org.editor
    replies = await asyncio.gather(*(editor.do("createFlag", key=f"more-{number}", **body) for number in range(6)))
    assert sorted(reply.code or "" for reply in replies) == ["", "", *["invalid_request"] * 4]


def rules_of(kilobytes: int) -> list[dict[str, Any]]:
    """Rules of that size, in UTF-8."""
    return [{"if": {"field": "x", "$equals": "ü" * 500}, "value": True} for _ in range(kilobytes)]


async def state_bytes(instance: Instance) -> dict[str, int]:
    """By environment: what its row says, which is what its states have."""
    async with instance.node.database.reading() as session:
        kept = {row.id: row.state_bytes for row in (await session.execute(select(Environment))).scalars()}
        counted = dict.fromkeys(kept, 0)
        for state in (await session.execute(select(State).where(col(State.to_version).is_(None)))).scalars():
            counted[state.environment_id] += len(state.rules.encode()) + len((state.default_value or "").encode())
    assert kept == counted
    return kept


@pytest.mark.all_pairs
@pytest.mark.parametrize("quotas", [{"max_state_mib": 1}])
async def test_the_states_of_an_environment_have_a_size(instance: Instance, workspace: Workspace) -> None:
    editor, where = workspace.org.editor, {"projectId": workspace.project_id}
    refusal = {"quota": "The states of an environment can have at most 1 MiB."}
    flag, large = {**where, "type": "boolean", "defaultValue": True}, rules_of(190)
    made = 0
    while (reply := await editor.do("createFlag", key=f"flag-{made}", **flag, rules=large)).code is None:
        made += 1
    assert (reply.code, reply.status, reply.fields) == ("invalid_request", 400, refusal)
    full = (await state_bytes(instance))[workspace.environment_id]
    assert made == 1024 * 1024 // (190 * 1040)
    assert full <= 1024 * 1024
    async with instance.unchanged():
        reply = await editor.do("updateFlagState", **workspace.checkout, rules=large)
        assert (reply.code, reply.fields) == ("invalid_request", refusal)
    copied = {"key": "copy", "name": "Copy", "copyFromEnvId": workspace.environment_id}
    copy = await editor.make("createEnvironment", **where, **copied)
    assert (await state_bytes(instance))[copy["id"]] == full
    await editor.make("deleteFlag", **where, key="flag-0")
    await editor.make("updateFlagState", environmentId=workspace.environment_id, key="flag-1", rules=[])
    assert (await state_bytes(instance))[workspace.environment_id] < full - 2 * 190_000
    await editor.make("updateFlagState", **workspace.checkout, rules=large)
    await state_bytes(instance)


@pytest.mark.parametrize("quotas", [{"max_state_mib": 1}])
async def test_the_pending_proposals_of_a_project_have_a_size(instance: Instance, workspace: Workspace) -> None:
    editor, made = workspace.org.editor, []
    change = {"kind": "set_rules_flag", "resourceKey": "checkout", "envId": workspace.environment_id}
    while (
        reply := await editor.do("createProposal", **change, diff={"rules": rules_of(180 + len(made))})
    ).code is None:
        made.append(reply.data["id"])
    assert (len(made), reply.fields) == (5, {"quota": "The pending proposals of a project can have at most 1 MiB."})
    async with instance.unchanged():
        assert (await editor.do("createProposal", **change, diff={"rules": rules_of(190)})).code == "invalid_request"
    await editor.make("cancelProposal", proposalId=made[0])
    await editor.make("createProposal", **change, diff={"rules": rules_of(170)})
