"""Promotions that wait for approval: one proposal, whatever it changes, applied at one version or not at all."""

from typing import Any

import pytest

from tests.behaviour.conftest import OF_FLAG, OF_SEGMENT
from tests.behaviour.test_promotion import differences
from tests.clients import RestApi
from tests.factories import Instance, Workspace

CHECKOUT = {"defaultValue": {"from": True, "to": False}, "rules": {"from": [], "to": OF_SEGMENT}}
BANNER = {"defaultValue": {"from": "hello", "to": "moin"}, "rules": {"from": [], "to": OF_FLAG}}
STAFF = {
    "rules": {"from": [], "to": [{}]},
    "allowList": {"add": ["u-1"], "remove": ["u-3"]},
    "denyList": {"add": [], "remove": ["u-9"]},
}
ALL = {
    "flags": {"checkout": CHECKOUT, "banner": BANNER},
    "configs": {"limits": {"defaultValue": {"from": {"a": 1}, "to": {"a": 2}}}},
    "segments": {"staff": STAFF},
}


def by_hand(workspace: Workspace, **diff: Any) -> dict[str, Any]:
    """The body that proposes to take over what `dev` has."""
    return {"envId": workspace.environment_id, "kind": "promote", "diff": {"fromEnvId": "acme:web:dev", **diff}}


async def test_many_become_one_proposal_and_are_applied_at_one_version(
    instance: Instance, workspace: Workspace, dev: str
) -> None:
    org, before = workspace.org, await workspace.version()
    here = {"environmentId": workspace.environment_id, "fromEnvId": dev}
    await instance.protect(workspace.environment_id)
    async with instance.only_proposed():
        reply = await org.editor.do("promote", **here, reason="As agreed")
    proposal = reply.unwrap()
    assert reply.status == (202 if instance.transport == "rest" else 200)
    assert (proposal["kind"], proposal["resourceType"], proposal["resourceId"], proposal["resourceKey"]) == (
        "promote",
        None,
        None,
        None,
    )
    assert (proposal["fromEnvId"], proposal["proposedVersion"], proposal["diff"]) == (dev, before, ALL)
    assert proposal == await org.viewer.make("proposal", proposalId=proposal["id"])
    event = (await instance.audited())[-1]
    assert (event.action, event.resource_type, event.resource_key) == ("propose", "environment", "prod")

    # What is applied is what was seen, whatever becomes of where it comes from.
    await org.editor.make("updateFlagState", environmentId=dev, key="banner", defaultValue="moin moin")
    audited = len(await instance.audited())
    applied = await org.admin.make("applyProposal", proposalId=proposal["id"])
    assert (applied["status"], applied["appliedVersion"], applied["diff"]) == ("applied", before + 1, ALL)
    assert await differences(workspace, dev) == [("banner", "defaultValue"), ("checkout", "killed")]
    assert (await org.viewer.make("flagState", **workspace.banner))["defaultValue"] == "moin"
    assert await workspace.version() == before + 1
    events = (await instance.audited())[audited:]
    assert {(one.resource_type, one.resource_key) for one in events} == {
        ("flag", "checkout"),
        ("flag", "banner"),
        ("config", "limits"),
        ("segment", "staff"),
    }
    assert {(one.action, one.reason, one.proposal_id) for one in events} == {
        ("apply_proposal", "As agreed", proposal["id"])
    }


async def test_only_what_is_named_is_proposed_with_what_it_needs(workspace: Workspace, dev: str) -> None:
    editor = workspace.org.editor
    needing = await editor.make("createProposal", **by_hand(workspace, flags=["checkout"], includeNeeds=True))
    assert needing["diff"] == {"flags": {"checkout": CHECKOUT}, "segments": {"staff": STAFF}}
    one = await editor.make("createProposal", **by_hand(workspace, configs=["limits"]))
    assert one["diff"] == {"configs": ALL["configs"]}
    assert (await editor.make("createProposal", **by_hand(workspace, configs=["limits"])))["id"] == one["id"]


async def test_the_same_values_from_elsewhere_are_another_promotion(workspace: Workspace, dev: str) -> None:
    editor, asked = workspace.org.editor, {"projectId": workspace.project_id, "copyFromEnvId": dev}
    await editor.make("createEnvironment", **asked, key="qa", name="Questions")
    first = await editor.make("createProposal", **by_hand(workspace, flags=["banner"]))
    body = by_hand(workspace, flags=["banner"], fromEnvId="acme:web:qa")
    other = await editor.make("createProposal", **body)
    assert first["diff"] == other["diff"]
    assert first["fromEnvId"] == dev != other["fromEnvId"]


async def test_each_state_that_would_change_says_so(workspace: Workspace, dev: str) -> None:
    viewer, editor = workspace.org.viewer, workspace.org.editor
    before = (await viewer.make("flagState", **workspace.checkout))["openProposals"]
    proposal = await editor.make("createProposal", **by_hand(workspace, flags=["checkout"], segments=["staff"]))
    for operation, of, open_ones in (
        ("flagState", workspace.checkout, before + 1),
        ("segmentState", workspace.staff, 1),
        ("configState", workspace.limits, 0),
    ):
        assert (await viewer.make(operation, **of))["openProposals"] == open_ones
    here = {"environmentId": workspace.environment_id, "hasOpenProposal": True}
    assert [one["key"] for one in await viewer.make("segmentStates", **here)] == ["staff"]
    await editor.make("cancelProposal", proposalId=proposal["id"])
    assert (await viewer.make("segmentState", **workspace.staff))["openProposals"] == 0
    assert await viewer.make("segmentStates", **here) == []


async def test_what_it_would_do_to_contexts_is_told_of_all_that_changes(workspace: Workspace, dev: str) -> None:
    proposal = await workspace.org.editor.make(
        "createProposal", **by_hand(workspace), spotCheck=[{"userId": "u-1"}, {"userId": "u-5"}]
    )
    radius = proposal["blastRadius"]
    assert (radius["version"], radius["contexts"]) == (proposal["proposedVersion"], 2)
    first = {
        key: (one["live"]["value"], one["proposed"]["value"])
        for key, one in radius["results"][0]["evaluations"].items()
    }
    assert first == {"checkout": (True, True), "banner": ("hello", "x"), "limits": ({"a": 1}, {"a": 2})}
    assert radius["flips"] == {"banner": 2, "limits": 2}


@pytest.mark.raises_codes("invalid_request", "not_found")
async def test_what_is_wrong_with_a_proposed_promotion_is_told_at_its_path(
    instance: Instance, workspace: Workspace, dev: str
) -> None:
    editor = workspace.org.editor
    body = by_hand(workspace)
    strict = isinstance(editor, RestApi)  # GraphQL's schema has no other types
    for asked, code, fields in (
        ({**body, "diff": {}}, "invalid_request", {"diff.fromEnvId"}),
        (
            {**body, "diff": {"fromEnvId": dev, "dryRun": True, "flag": []}},
            "invalid_request",
            {"diff.dryRun", "diff.flag"},
        ),
        ({**body, "diff": {"fromEnvId": dev, "flags": ["checkout", "gone"]}}, "not_found", {"diff.flags.1"}),
        ({**body, "diff": {"fromEnvId": dev, "flags": "checkout"}}, "invalid_request", {"diff.flags"}),
        ({**body, "resourceKey": "checkout"}, "invalid_request", {"resourceKey"}),
        ({**body, "projectId": workspace.project_id}, "invalid_request", {"projectId"}),
        ({**body, "envId": None} if not strict else {**body, "envId": 1}, "invalid_request", {"envId"}),
        ({**body, "diff": {"fromEnvId": workspace.environment_id}}, "invalid_request", {"diff"}),
        ({**body, "diff": {"fromEnvId": dev, "flags": []}}, "invalid_request", {"diff"}),
    ):
        async with instance.unchanged():
            reply = await editor.do("createProposal", **asked)
        assert (reply.code, set(reply.fields)) == (code, fields), asked


@pytest.mark.raises_codes("invalid_request")
async def test_a_circle_that_would_arise_is_refused_before_it_waits(
    instance: Instance, workspace: Workspace, dev: str
) -> None:
    to_banner = [{"if": {"$flag": "banner", "$equals": "x"}, "value": True}]
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, rules=to_banner)
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createProposal", **by_hand(workspace, flags=["banner"]))
    assert (reply.code, set(reply.fields)) == ("invalid_request", {"diff.flags.banner.rules.0.if.$flag"})
    await instance.protect(workspace.environment_id)
    async with instance.unchanged():
        here = {"environmentId": workspace.environment_id, "fromEnvId": dev}
        reply = await workspace.org.editor.do("promote", **here, flags=["banner"])
    assert (reply.code, set(reply.fields)) == ("invalid_request", {"flags.banner.rules.0.if.$flag"})


@pytest.mark.raises_codes("invalid_request")
async def test_a_proposal_is_not_of_too_much(instance: Instance, workspace: Workspace, dev: str) -> None:
    editor, large = workspace.org.editor, "ä" * 30_000
    for number in range(40):
        key = f"large-{number}"
        await editor.make("createConfig", projectId=workspace.project_id, key=key, type="string", defaultValue="")
        await editor.make("updateConfigState", environmentId=dev, key=key, defaultValue=large)
    async with instance.unchanged():
        reply = await editor.do("createProposal", **by_hand(workspace))
    assert (reply.code, set(reply.fields)) == ("invalid_request", {"quota"})
    some = await editor.make(
        "createProposal", **by_hand(workspace, configs=[f"large-{number}" for number in range(30)])
    )
    read = await workspace.org.viewer.make("proposal", proposalId=some["id"])
    assert read["diff"]["configs"]["large-29"]["defaultValue"] == {"from": "", "to": large}


@pytest.mark.raises_codes("not_found", "version_drift", "invalid_request")
async def test_what_cannot_be_applied_any_more_says_why(instance: Instance, workspace: Workspace, dev: str) -> None:
    org = workspace.org
    drifted = await org.editor.make("createProposal", **by_hand(workspace, flags=["checkout"]))
    gone = await org.editor.make("createProposal", **by_hand(workspace, configs=["limits"]))
    await org.editor.make("updateFlagState", **workspace.banner, defaultValue="meanwhile")
    await org.owner.make("deleteConfig", projectId=workspace.project_id, key="limits")
    async with instance.unchanged():
        assert (await org.admin.do("applyProposal", proposalId=drifted["id"])).code == "version_drift"
        reply = await org.admin.do("applyProposal", proposalId=gone["id"])
        assert (reply.code, reply.fields) == ("not_found", {"diff.configs.limits": "There is no such config any more."})
    assert (await org.editor.make("cancelProposal", proposalId=gone["id"]))["status"] == "cancelled"
    other = await org.editor.make("createProposal", **by_hand(workspace, segments=["staff"]))
    schema = {"type": "string", "maxLength": 3}
    await org.editor.make("createConfig", projectId=workspace.project_id, key="word", type="json", defaultValue="abc")
    await org.editor.make("updateConfigState", environmentId=dev, key="word", defaultValue="abcd")
    long = await org.editor.make("createProposal", **by_hand(workspace, configs=["word"]))
    await org.editor.make("updateConfigState", environmentId=dev, key="word", defaultValue="abc")
    await org.editor.make("updateConfig", projectId=workspace.project_id, key="word", jsonSchema=schema)
    async with instance.unchanged():
        reply = await org.admin.do("applyProposal", proposalId=long["id"])
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"diff.configs.word.defaultValue"})
        assert (await org.admin.do("applyProposal", proposalId=other["id"])).code == "version_drift"


@pytest.mark.raises_codes(
    "token_resource_out_of_scope", "token_env_out_of_scope", "token_action_denied", "scope_denied"
)
async def test_a_token_sees_and_proposes_what_is_all_its_own(
    instance: Instance, workspace: Workspace, dev: str
) -> None:
    org = workspace.org
    both = {"envs": [workspace.environment_id, dev]}
    some = await instance.token(org, actions=["read", "propose", "promote"], resources=["limits"], environments=both)
    lone = await instance.token(org, level="proposer", environments={"envs": [workspace.environment_id]})
    every = await org.editor.make("createProposal", **by_hand(workspace))
    for operation, place in (
        ("proposals", {}),
        ("projectProposals", {"projectId": workspace.project_id}),
        ("environmentProposals", {"environmentId": workspace.environment_id}),
    ):
        assert await some.make(operation, **place, status=["pending"]) == []
    assert (await some.make("configState", **workspace.limits))["openProposals"] == 0
    here = {"environmentId": workspace.environment_id, "hasOpenProposal": True}
    assert await some.make("configStates", **here) == []
    assert [one["key"] for one in await org.viewer.make("configStates", **here)] == ["limits"]
    own = await some.make("createProposal", **by_hand(workspace))
    assert own["diff"] == {"configs": ALL["configs"]}
    assert [one["id"] for one in await some.make("proposals", status=["pending"])] == [own["id"]]
    assert (await some.make("configState", **workspace.limits))["openProposals"] == 1
    assert [one["key"] for one in await some.make("configStates", **here)] == ["limits"]
    reader = await instance.token(org, level="observer", environments={"envs": [workspace.environment_id]})
    assert (await reader.make("proposal", proposalId=own["id"]))["fromEnvId"] is None
    async with instance.unchanged():
        assert (await some.do("proposal", proposalId=every["id"])).code in {
            "scope_denied",
            "token_resource_out_of_scope",
        }
        reply = await some.do("createProposal", **by_hand(workspace, flags=["checkout"]))
        assert reply.code == "token_resource_out_of_scope"
        assert (await lone.do("createProposal", **by_hand(workspace))).code == "token_env_out_of_scope"
    proposer = await instance.token(org, actions=["propose", "promote"], environments=both)
    assert {one["id"] for one in await org.viewer.make("proposals", status=["pending"])} >= {every["id"], own["id"]}
    reply = await proposer.do("createProposal", **by_hand(workspace))
    assert reply.code == "token_action_denied"


@pytest.mark.raises_codes("token_action_denied")
async def test_a_token_that_requires_approval_proposes_and_can_still_try(
    instance: Instance, workspace: Workspace, dev: str
) -> None:
    waiting = await instance.token(workspace.org, level="maintainer", approvalRequired=True)
    here = {"environmentId": workspace.environment_id, "fromEnvId": dev}
    async with instance.unchanged():
        assert len((await waiting.make("promote", **here, dryRun=True))["differences"]) == 8
    proposal = await waiting.make("promoteFlag", **workspace.banner, fromEnvId=dev)
    assert proposal["diff"] == {"flags": {"banner": BANNER}}
    it = {"proposalId": proposal["id"]}
    await workspace.org.owner.make("reviewProposal", **it, verdict="approve")
    writer = await instance.token(workspace.org, actions=["read", "write"])
    async with instance.unchanged():
        assert (await writer.do("applyProposal", **it)).code == "token_action_denied"
    promoter = await instance.token(workspace.org, actions=["read", "promote"])
    assert (await promoter.make("applyProposal", **it))["status"] == "applied"


async def test_what_differs_in_nothing_waits_for_nobody(instance: Instance, workspace: Workspace, dev: str) -> None:
    await workspace.org.editor.make("promote", environmentId=workspace.environment_id, fromEnvId=dev)
    await instance.protect(workspace.environment_id)
    async with instance.unchanged():
        here = {"environmentId": workspace.environment_id, "fromEnvId": dev}
        done = await workspace.org.editor.make("promote", **here, flags=["banner"])
        assert [one["key"] for one in done["flags"]] == ["banner"]
        assert (await workspace.org.editor.make("promoteFlag", **workspace.banner, fromEnvId=dev))["key"] == "banner"


async def test_owners_break_the_glass(instance: Instance, workspace: Workspace, dev: str) -> None:
    await instance.protect(workspace.environment_id)
    here = {"environmentId": workspace.environment_id, "fromEnvId": dev}
    await workspace.org.owner.make("promote", **here, breakGlass="It burns.")
    assert await differences(workspace, dev) == [("checkout", "killed")]
