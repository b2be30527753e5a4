"""Who may do what: each route and its GraphQL twin, tried by one person of each role, held to the policy's table."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.actors import Role
from app.domain.policy import TABLE
from tests.clients import ENDPOINTS
from tests.documents import DOCUMENTS
from tests.factories import Instance, Workspace

Arguments = Callable[[Workspace], dict[str, Any]]

_ORG: Arguments = lambda workspace: {"slug": workspace.org.slug}  # noqa: E731
_PROJECT: Arguments = lambda workspace: {"projectId": workspace.project_id}  # noqa: E731
_ENVIRONMENT: Arguments = lambda workspace: {"environmentId": workspace.environment_id}  # noqa: E731
_FLAG: Arguments = lambda workspace: {"projectId": workspace.project_id, "key": "banner"}  # noqa: E731
_CONFIG: Arguments = lambda workspace: {"projectId": workspace.project_id, "key": "limits"}  # noqa: E731
_SEGMENT: Arguments = lambda workspace: {"projectId": workspace.project_id, "key": "staff"}  # noqa: E731
_STATE: Arguments = lambda workspace: workspace.banner  # noqa: E731

READS: dict[str, Arguments] = {
    "org": _ORG,
    "projects": lambda workspace: {"orgSlug": workspace.org.slug},
    "project": _PROJECT,
    "environments": _PROJECT,
    "environment": _ENVIRONMENT,
    "spotChecks": _ENVIRONMENT,
    "trafficSample": _ENVIRONMENT,
    "attributes": _ENVIRONMENT,
    "usage": _ENVIRONMENT,
    "environmentDiff": lambda workspace: {**_ENVIRONMENT(workspace), "against": workspace.environment_id},
    "flags": _PROJECT,
    "flag": _FLAG,
    "flagReferences": _FLAG,
    "configReferences": _CONFIG,
    "segmentReferences": _SEGMENT,
    "flagStates": _ENVIRONMENT,
    "flagState": _STATE,
    "flagHistory": _STATE,
    "configHistory": lambda workspace: workspace.limits,
    "segmentHistory": lambda workspace: workspace.staff,
    "configs": _PROJECT,
    "config": _CONFIG,
    "configStates": _ENVIRONMENT,
    "configState": lambda workspace: workspace.limits,
    "allowList": lambda workspace: workspace.staff,
    "denyList": lambda workspace: workspace.staff,
    "segments": _PROJECT,
    "segment": _SEGMENT,
    "segmentStates": _ENVIRONMENT,
    "segmentState": lambda workspace: workspace.staff,
    "projectProposals": _PROJECT,
    "environmentProposals": _ENVIRONMENT,
    "proposal": lambda workspace: {"proposalId": workspace.proposal_id},
    "reviews": lambda workspace: {"proposalId": workspace.proposal_id},
    "auditEvents": _ORG,
    "auditEvent": lambda workspace: {"eventId": workspace.event_id},
    "ruleset": _ENVIRONMENT,
    "members": lambda workspace: {"orgSlug": workspace.org.slug},
    "member": lambda workspace: workspace.guest,
    "evaluate": lambda workspace: {**_ENVIRONMENT(workspace), "context": {}},
    "history": lambda workspace: {
        **_ENVIRONMENT(workspace),
        "context": {},
        "since": "2026-01-01T00:00:00Z",
        "until": "2099-01-01T00:00:00Z",
    },
    "preview": lambda workspace: {
        **_ENVIRONMENT(workspace),
        "spotCheck": [{}],
        "ruleset": {"flags": {"banner": {"defaultValue": "bye"}}},
    },
}
MAKING_NOTHING: dict[str, Arguments] = {"createStreamTicket": _ENVIRONMENT}
"""Not reads, and yet for whoever may read."""
FOR_ADMINS: dict[str, Arguments] = {
    "apiKeys": lambda workspace: {"orgSlug": workspace.org.slug},
    "apiKey": lambda workspace: workspace.key_of_api,
    "invitations": lambda workspace: {"orgSlug": workspace.org.slug},
}
WRITES: dict[str, Arguments] = {
    "updateOrg": lambda workspace: {**_ORG(workspace), "name": "Renamed"},
    "deleteOrg": lambda workspace: {**_ORG(workspace), "confirm": workspace.org.slug},
    "createProject": lambda workspace: {"orgSlug": workspace.org.slug, "key": "new", "name": "New"},
    "updateProject": lambda workspace: {**_PROJECT(workspace), "name": "Renamed"},
    "deleteProject": lambda workspace: {**_PROJECT(workspace), "confirm": "web"},
    "createEnvironment": lambda workspace: {**_PROJECT(workspace), "key": "new", "name": "New"},
    "updateEnvironment": lambda workspace: {**_ENVIRONMENT(workspace), "name": "Renamed"},
    "deleteEnvironment": lambda workspace: {**_ENVIRONMENT(workspace), "confirm": "prod"},
    "setSpotChecks": lambda workspace: {**_ENVIRONMENT(workspace), "contexts": [{"userId": "u-1"}]},
    "setTrafficSample": lambda workspace: {**_ENVIRONMENT(workspace), "size": 10, "fields": ["plan"]},
    "deleteTrafficSample": _ENVIRONMENT,
    "createFlag": lambda workspace: {**_PROJECT(workspace), "key": "new", "type": "boolean", "defaultValue": True},
    "updateFlag": lambda workspace: {**_FLAG(workspace), "description": "Changed."},
    "deleteFlag": _FLAG,
    "replaceFlagState": lambda workspace: {**_STATE(workspace), "defaultValue": "changed", "rules": []},
    "updateFlagState": lambda workspace: {**_STATE(workspace), "defaultValue": "changed"},
    "killFlag": _STATE,
    "restoreFlag": _STATE,
    "createConfig": lambda workspace: {**_PROJECT(workspace), "key": "new", "type": "json", "defaultValue": None},
    "updateConfig": lambda workspace: {**_CONFIG(workspace), "description": "Changed."},
    "deleteConfig": _CONFIG,
    "replaceConfigState": lambda workspace: {**workspace.limits, "defaultValue": 1, "rules": []},
    "updateConfigState": lambda workspace: {**workspace.limits, "defaultValue": [1]},
    "createSegment": lambda workspace: {**_PROJECT(workspace), "key": "new"},
    "updateSegment": lambda workspace: {**_SEGMENT(workspace), "description": "Changed."},
    "deleteSegment": _SEGMENT,
    "replaceSegmentState": lambda workspace: {**workspace.staff, "rules": [], "allowList": [], "denyList": ["u-2"]},
    "updateSegmentState": lambda workspace: {**workspace.staff, "denyList": ["u-2"]},
    "updateAllowList": lambda workspace: {**workspace.staff, "add": ["u-2"]},
    "updateDenyList": lambda workspace: {**workspace.staff, "add": ["u-2"]},
    "promote": lambda workspace: {**_ENVIRONMENT(workspace), "fromEnvId": workspace.environment_id, "flags": []},
    "promoteFlag": lambda workspace: {**_STATE(workspace), "fromEnvId": workspace.environment_id},
    "promoteConfig": lambda workspace: {**workspace.limits, "fromEnvId": workspace.environment_id},
    "promoteSegment": lambda workspace: {**workspace.staff, "fromEnvId": workspace.environment_id},
    "createProposal": lambda workspace: {
        "envId": workspace.environment_id,
        "kind": "set_default_value_flag",
        "resourceKey": "checkout",
        "diff": {"defaultValue": False},
    },
    "applyProposal": lambda workspace: {"proposalId": workspace.proposal_id},
    "cancelProposal": lambda workspace: {"proposalId": workspace.proposal_id},
    "reviewProposal": lambda workspace: {"proposalId": workspace.proposal_id, "verdict": "approve"},
    "updateMember": lambda workspace: {**workspace.guest, "role": "editor"},
    "removeMember": lambda workspace: workspace.guest,
    "createInvitation": lambda workspace: {"orgSlug": workspace.org.slug, "email": "new@example.com", "role": "viewer"},
    "revokeInvitation": lambda workspace: workspace.invitation,
    "createApiKey": lambda workspace: {
        "orgSlug": workspace.org.slug,
        "name": "new",
        "level": "client",
        "environments": {"envs": [workspace.environment_id]},
        "resources": ["*"],
    },
    "renewApiKey": lambda workspace: {**workspace.key_of_api, "expiresInSeconds": 60},
    "revokeApiKey": lambda workspace: workspace.key_of_api,
}
CALLS = READS | MAKING_NOTHING | FOR_ADMINS | WRITES
FOR_ANYBODY_SIGNED_IN = {"createOrg", "orgs", "me", "updateMe", "deleteMe", "sessions", "proposals"} | {
    "deleteSession",
    "deleteOtherSessions",
}
FOR_EVERYBODY = {"installClaim", "requestMagicLink", "redeemLink", "signUp", "logout", "errorCatalog"}
FOR_EVERYBODY |= {"invitation", "acceptInvitation"}


def test_every_route_is_tried() -> None:
    assert set(ENDPOINTS) == set(CALLS) | FOR_ANYBODY_SIGNED_IN | FOR_EVERYBODY
    assert set(DOCUMENTS) == set(ENDPOINTS)


@pytest.mark.parametrize("operation", FOR_ADMINS | WRITES)
@pytest.mark.raises_codes("insufficient_role")
async def test_a_call_asks_for_its_role(instance: Instance, workspace: Workspace, operation: str) -> None:
    row = TABLE[ENDPOINTS[operation].operation or pytest.fail("a call without a row")]
    assert row.role is not None
    refused = [role for role in Role if role.rank < row.role.rank]
    async with instance.unchanged():
        for role in refused:
            reply = await workspace.org.of(role).do(operation, **CALLS[operation](workspace))
            assert (reply.code, reply.status) == ("insufficient_role", 403), role
    (await workspace.org.of(row.role).do(operation, **CALLS[operation](workspace))).unwrap()


@pytest.mark.parametrize("operation", WRITES)
async def test_a_higher_role_may_do_what_a_lower_one_may(workspace: Workspace, operation: str) -> None:
    (await workspace.org.owner.do(operation, **CALLS[operation](workspace))).unwrap()


async def test_every_role_reads_everything(workspace: Workspace) -> None:
    for operation, arguments in READS.items():
        assert TABLE[ENDPOINTS[operation].operation or pytest.fail(operation)].role is Role.VIEWER
        answers = [await workspace.org.of(role).make(operation, **arguments(workspace)) for role in Role]
        assert answers == [answers[0]] * len(Role), operation


@pytest.mark.raises_codes("not_found")
async def test_a_stranger_finds_nothing(instance: Instance, workspace: Workspace) -> None:
    stranger = (await instance.org("strangers")).owner
    async with instance.unchanged():
        for operation, arguments in CALLS.items():
            reply = await stranger.do(operation, **arguments(workspace))
            assert (reply.code, reply.status, reply.fields) == ("not_found", 404, {}), operation


@pytest.mark.raises_codes("unauthorized")
async def test_a_caller_without_credentials_gets_nowhere(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        for operation, arguments in {
            **CALLS,
            "createOrg": lambda _: {"slug": "x", "name": "x"},
            "me": lambda _: {},
        }.items():
            reply = await instance.anonymous().do(operation, **arguments(workspace))
            assert (reply.code, reply.status) == ("unauthorized", 401), operation


@pytest.mark.parametrize("wrong", ["", "x", "0" * 36, "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9", "\u0000", "ä", "%2e"])
async def test_an_id_that_names_nothing_is_not_found(instance: Instance, workspace: Workspace, wrong: str) -> None:
    names = ("projectId", "environmentId", "slug", "orgSlug", "userId", "invitationId", "envId", "proposalId")
    names += ("eventId",)
    async with instance.unchanged():
        for operation, arguments in CALLS.items():
            given = arguments(workspace)
            given |= {name: wrong or "-" for name in names if name in given}
            reply = await workspace.org.owner.do(operation, **given)
            assert (reply.code, reply.status) == ("not_found", 404), operation


@pytest.mark.parametrize("operation", [name for name, given in CALLS.items() if given in (_FLAG, _STATE)])
@pytest.mark.parametrize("key", ["none", "BANNER", "\u0000", "x" * 200])
async def test_a_key_that_names_nothing_is_not_found(
    instance: Instance, workspace: Workspace, operation: str, key: str
) -> None:
    async with instance.unchanged():
        for role in (Role.VIEWER, Role.OWNER):  # for people a key counts among the ids, before the role
            reply = await workspace.org.of(role).do(operation, **{**CALLS[operation](workspace), "key": key})
            assert (reply.code, reply.status) == ("not_found", 404), role


@pytest.mark.all_pairs
async def test_refusals_at_one_moment_do_not_disturb_a_write(workspace: Workspace) -> None:
    refused, written = await asyncio.gather(
        asyncio.gather(*(workspace.org.viewer.do("killFlag", **workspace.banner) for _ in range(20))),
        workspace.org.editor.do("killFlag", **workspace.banner),
    )
    assert {reply.code for reply in refused} == {"insufficient_role"}
    assert written.unwrap()["version"] == workspace.environment["version"] + 1
