"""What is told of a proposal beside what the caller may do: how it stands, in the words that the calls answer with."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.domain.actors import Role
from app.models import Membership
from tests.clock import SetClock
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask
from tests.graphql.statements import statements

ABILITIES = "viewerCan viewerCannot { action code message who }"
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "REVIEW_PROPOSAL": ("reviewProposal", {"verdict": "approve"}),
    "APPLY_PROPOSAL": ("applyProposal", {}),
    "CANCEL_PROPOSAL": ("cancelProposal", {}),
}
AGAIN = "Nobody. If the change is still wanted, propose it again."


class Arranged:
    """A workspace with a second environment, and a proposal by the editor."""

    def __init__(self, instance: Instance, workspace: Workspace, clock: SetClock, other_id: str) -> None:
        self.instance, self.workspace, self.clock, self.other_id = instance, workspace, clock, other_id

    async def propose(self) -> str:
        proposal = await self.workspace.org.editor.make(
            "createProposal",
            envId=self.workspace.environment_id,
            kind="set_default_value_flag",
            resourceKey="checkout",
            diff={"defaultValue": False},
            expiresInSeconds=3600,
        )
        return str(proposal["id"])

    async def propose_delete(self) -> str:
        proposal = await self.workspace.org.editor.make(
            "createProposal", projectId=self.workspace.project_id, kind="delete_flag", resourceKey="checkout", diff={}
        )
        return str(proposal["id"])

    async def protect(self, approvals: int) -> None:
        await self.workspace.org.admin.make(
            "updateEnvironment",
            environmentId=self.workspace.environment_id,
            protected=True,
            requiredApprovals=approvals,
        )

    async def say(self, proposal_id: str, verdict: str, by: Role = Role.OWNER) -> None:
        await self.workspace.org.of(by).make("reviewProposal", proposalId=proposal_id, verdict=verdict)

    async def kill(self, environment_id: str) -> None:
        await self.workspace.org.admin.make("killFlag", environmentId=environment_id, key="banner")


async def pending(arranged: Arranged) -> str:
    return await arranged.propose()


async def applied(arranged: Arranged) -> str:
    proposal_id = await arranged.propose()
    await arranged.workspace.org.admin.make("applyProposal", proposalId=proposal_id)
    return proposal_id


async def cancelled(arranged: Arranged) -> str:
    proposal_id = await arranged.propose_delete()
    await arranged.workspace.org.admin.make("cancelProposal", proposalId=proposal_id)
    return proposal_id


async def expired(arranged: Arranged) -> str:
    proposal_id = await arranged.propose()
    arranged.clock.ahead = timedelta(seconds=3601)
    return proposal_id


async def drifted(arranged: Arranged) -> str:
    """And not approved enough, which comes after that."""
    await arranged.protect(3)
    proposal_id = await arranged.propose()
    await arranged.kill(arranged.workspace.environment_id)
    return proposal_id


async def drifted_elsewhere(arranged: Arranged) -> str:
    proposal_id = await arranged.propose()
    await arranged.kill(arranged.other_id)
    return proposal_id


async def delete_drifted_elsewhere(arranged: Arranged) -> str:
    proposal_id = await arranged.propose_delete()
    await arranged.kill(arranged.other_id)
    return proposal_id


async def target_deleted(arranged: Arranged) -> str:
    """And drifted, which comes after that."""
    proposal_id = await arranged.propose()
    await arranged.workspace.org.admin.make("deleteFlag", projectId=arranged.workspace.project_id, key="checkout")
    return proposal_id


async def two_lacking(arranged: Arranged) -> str:
    await arranged.protect(3)
    return await arranged.propose()


async def one_approves_of_two(arranged: Arranged) -> str:
    await arranged.protect(2)
    proposal_id = await arranged.propose()
    await arranged.say(proposal_id, "approve")
    return proposal_id


async def delete_in_a_protected_project(arranged: Arranged) -> str:
    await arranged.protect(2)
    return await arranged.propose_delete()


async def changes_requested(arranged: Arranged) -> str:
    proposal_id = await arranged.propose()
    await arranged.say(proposal_id, "request_changes")
    return proposal_id


async def who_approved_is_no_editor_any_more(arranged: Arranged) -> str:
    proposal_id = await one_approves_of_two(arranged)
    owner = (await arranged.workspace.org.owner.make("me"))["actor"]["id"]
    demoted = update(Membership).where(col(Membership.user_id) == owner).values(role=Role.VIEWER)
    await arranged.instance.execute(demoted)
    return proposal_id


SITUATIONS: list[Callable[[Arranged], Awaitable[str]]] = [
    *(pending, applied, cancelled, expired, drifted, drifted_elsewhere, delete_drifted_elsewhere, target_deleted),
    *(two_lacking, one_approves_of_two, delete_in_a_protected_project, changes_requested),
    who_approved_is_no_editor_any_more,
]
SCOPES: list[dict[str, Any]] = [
    {"level": "observer"},
    {"level": "maintainer"},
    {"level": "admin"},
    {"level": "admin", "approvalRequired": True},
    {"level": "admin", "environments": "single"},
]


@pytest.fixture
async def arranged(instance: Instance, workspace: Workspace, clock: SetClock) -> Arranged:
    new = {"projectId": workspace.project_id, "key": "test", "name": "Test"}
    return Arranged(instance, workspace, clock, (await workspace.org.admin.make("createEnvironment", **new))["id"])


async def told(caller: Any, proposal_id: str) -> tuple[list[str], dict[str, dict[str, str]]] | None:
    document = f"query ($id: ID!) {{ node(id: $id) {{ ... on Proposal {{ {ABILITIES} }} }} }}"
    answer = await ask(caller.client, document, {"id": proposal_id})
    assert "errors" not in answer, answer
    if (node := answer["data"]["node"]) is None:
        return None
    cannot = {one["action"]: one for one in node["viewerCannot"]}
    assert {*node["viewerCan"], *cannot} == set(CALLS)
    assert len(node["viewerCan"]) + len(cannot) == len(CALLS)
    assert all(one["who"].endswith(".") for one in cannot.values())
    return node["viewerCan"], cannot


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
async def test_what_is_told_is_what_is_answered(
    instance: Instance, arranged: Arranged, situation: Callable[[Arranged], Awaitable[str]]
) -> None:
    workspace = arranged.workspace
    single = {"envs": [workspace.environment_id]}
    tokens = [
        await instance.token(workspace.org, **{**one, **({"environments": single} if "environments" in one else {})})
        for one in SCOPES
    ]
    proposal_id = await situation(arranged)
    seen = 0
    for caller in (*map(workspace.org.of, Role), *tokens):
        if (found := await told(caller, proposal_id)) is None:
            continue
        seen += 1
        async with instance.unchanged():
            for action, why_not in found[1].items():
                call, arguments = CALLS[action]
                reply = await caller.do(call, proposalId=proposal_id, **arguments)
                assert (reply.code, reply.message) == (why_not["code"], why_not["message"]), (action, caller)
    assert seen == 9


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
@pytest.mark.parametrize("role", [Role.EDITOR, Role.ADMIN])
async def test_what_one_is_told_that_one_can_is_done(
    arranged: Arranged, situation: Callable[[Arranged], Awaitable[str]], role: Role
) -> None:
    caller = arranged.workspace.org.of(role)
    proposal_id = await situation(arranged)
    found = await told(caller, proposal_id)
    assert found is not None
    can = found[0]
    if {"APPLY_PROPOSAL", "CANCEL_PROPOSAL"} <= set(can):  # of which only one can be done
        can.remove("CANCEL_PROPOSAL")
    for action in sorted(can, key=list(CALLS).index):
        call, arguments = CALLS[action]
        (await caller.do(call, proposalId=proposal_id, **arguments)).unwrap()


@pytest.mark.parametrize(
    ("situation", "code", "who"),
    [
        (applied, "proposal_gone", AGAIN),
        (expired, "proposal_gone", AGAIN),
        (drifted, "version_drift", AGAIN),
        (delete_drifted_elsewhere, "version_drift", AGAIN),
        (target_deleted, "not_found", "Nobody. The proposal can be cancelled."),
        (two_lacking, "approval_missing", "2 more people must approve: editors, admins and owners."),
        (
            who_approved_is_no_editor_any_more,
            "approval_missing",
            "1 more person must approve: editors, admins and owners.",
        ),
        (delete_in_a_protected_project, "approval_missing", "1 more person must approve: editors, admins and owners."),
        (changes_requested, "approval_missing", "acme-owner must approve it first."),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
async def test_what_keeps_it_from_being_applied_and_who_can_do_what(
    arranged: Arranged, situation: Callable[[Arranged], Awaitable[str]], code: str, who: str
) -> None:
    found = await told(arranged.workspace.org.admin, await situation(arranged))
    assert found is not None
    assert (found[1]["APPLY_PROPOSAL"]["code"], found[1]["APPLY_PROPOSAL"]["who"]) == (code, who)


@pytest.mark.parametrize("situation", [pending, drifted_elsewhere, one_approves_of_two], ids=lambda one: one.__name__)
async def test_what_can_be_applied_is_told(arranged: Arranged, situation: Callable[[Arranged], Awaitable[str]]) -> None:
    assert await told(arranged.workspace.org.admin, await situation(arranged)) == ([*CALLS], {})


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_of_many_proposals_as_much_is_looked_up_as_of_few(arranged: Arranged) -> None:
    workspace, client = arranged.workspace, arranged.workspace.org.admin.client
    document = f"{{ proposals(first: 100) {{ nodes {{ {ABILITIES} }} }} }}"
    await arranged.propose()
    await arranged.propose_delete()

    async def asked() -> tuple[int, int]:
        await ask(client, "{ __typename }")  # after which the session is known
        with statements() as run:
            answer = await ask(client, document)
        return len(run), len(answer["data"]["proposals"]["nodes"])

    few = await asked()
    for number in range(10):
        await workspace.org.editor.make(
            "createProposal",
            envId=workspace.environment_id,
            kind="set_default_value_config",
            resourceKey="limits",
            diff={"defaultValue": number},
        )
    assert await asked() == (few[0], few[1] + 10)
