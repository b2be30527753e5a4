"""Protected environments: changes wait for approval, and what cannot wait is refused; owners break the glass."""

from typing import Any

import pytest

from tests.behaviour.test_roles import CALLS
from tests.clients import ENDPOINTS, GraphQLApi, address
from tests.documents import DOCUMENTS
from tests.factories import Instance, Workspace

DIVERTED = {
    "updateFlagState": "set_default_value_flag",
    "replaceFlagState": "set_default_value_flag",
    "restoreFlag": "restore_flag",
    "deleteFlag": "delete_flag",
    "updateConfigState": "set_default_value_config",
    "replaceConfigState": "set_default_value_config",
    "deleteConfig": "delete_config",
    "updateSegmentState": "set_deny_list_segment",
    "replaceSegmentState": "set_deny_list_segment",
    "updateAllowList": "set_allow_list_segment",
    "updateDenyList": "set_deny_list_segment",
    "deleteSegment": "delete_segment",
}


@pytest.fixture
async def guarded(workspace: Workspace) -> Workspace:
    """The workspace, protected by its admin, with one flag killed."""
    await workspace.org.editor.make("killFlag", **workspace.banner)
    environment = await workspace.org.admin.make(
        "updateEnvironment", environmentId=workspace.environment_id, protected=True, requiredApprovals=2
    )
    assert (environment["protected"], environment["requiredApprovals"]) == (True, 2)
    return workspace


@pytest.mark.raises_codes("insufficient_role")
@pytest.mark.parametrize("asked", [{"protected": True}, {"requiredApprovals": 2}, {"protected": False, "name": "N"}])
async def test_protecting_takes_an_admin(instance: Instance, workspace: Workspace, asked: dict[str, Any]) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("updateEnvironment", environmentId=workspace.environment_id, **asked)
        made = await workspace.org.editor.do(
            "createEnvironment", projectId=workspace.project_id, key="k", **{"name": "N", **asked}
        )
    assert (reply.code, made.code) == ("insufficient_role", "insufficient_role")


@pytest.mark.parametrize("role", ["editor", "owner"])
@pytest.mark.parametrize(("operation", "kind"), DIVERTED.items())
async def test_what_a_person_must_approve_becomes_a_proposal(
    instance: Instance, guarded: Workspace, role: str, operation: str, kind: str
) -> None:
    caller = getattr(guarded.org, role)
    async with instance.only_proposed():
        reply = await caller.do(operation, **CALLS[operation](guarded))
        again = await caller.make(operation, **CALLS[operation](guarded))
    assert reply.status == (202 if instance.transport == "rest" else 200)
    assert (reply.unwrap()["kind"], reply.data["status"]) == (kind, "pending")
    assert again == reply.data == await guarded.org.viewer.make("proposal", proposalId=reply.data["id"])
    assert (await instance.audited())[-1].action == "propose"


async def test_a_proposal_is_where_the_answer_says(guarded: Workspace) -> None:
    change = {**guarded.checkout, "defaultValue": False}
    caller = guarded.org.editor
    if isinstance(caller, GraphQLApi):
        answer = (await caller.run(DOCUMENTS["updateFlagState"], {"input": change}))["data"]["updateFlagState"]
        assert answer["flagState"] is None
        assert answer["proposal"]["kind"] == "SET_DEFAULT_VALUE_FLAG"
        return
    path = address(ENDPOINTS["updateFlagState"], change)
    response = await caller.client.patch(path, json=change)
    assert (response.status_code, response.headers["location"]) == (202, f"/api/v1/proposals/{response.json()['id']}")
    read = await caller.client.get(response.headers["location"])
    assert (read.json(), read.headers["etag"]) == (response.json(), response.headers["etag"])


@pytest.mark.raises_codes("approval_not_supported")
@pytest.mark.parametrize("operation", ["updateFlagState", "replaceFlagState"])
async def test_a_proposal_changes_one_dimension(instance: Instance, guarded: Workspace, operation: str) -> None:
    rules = [{"if": {"field": "plan", "$equals": "pro"}, "value": False}]
    async with instance.unchanged():
        reply = await guarded.org.owner.do(operation, **guarded.checkout, defaultValue=False, rules=rules)
    assert (reply.code, reply.status) == ("approval_not_supported", 403)
    proposal = await guarded.org.owner.make(operation, **guarded.checkout, defaultValue=True, rules=rules)
    assert proposal["kind"] == "set_rules_flag"


@pytest.mark.raises_codes("invalid_request")
async def test_what_is_wrong_with_a_change_is_told_before_it_waits(instance: Instance, guarded: Workspace) -> None:
    async with instance.unchanged():
        reply = await guarded.org.owner.do("updateFlagState", **guarded.checkout, defaultValue=1, rules=[{"if": 1}])
    assert (reply.code, {path.partition(".")[0] for path in reply.fields}) == (
        "invalid_request",
        {"defaultValue", "rules"},
    )


@pytest.mark.raises_codes("approval_not_supported")
@pytest.mark.parametrize(
    ("role", "operation"), [("admin", "deleteEnvironment"), ("owner", "deleteProject"), ("owner", "deleteOrg")]
)
async def test_what_cannot_be_proposed_is_refused(
    instance: Instance, guarded: Workspace, role: str, operation: str
) -> None:
    async with instance.unchanged():
        reply = await getattr(guarded.org, role).do(operation, **CALLS[operation](guarded))
    assert (reply.code, reply.status) == ("approval_not_supported", 403)


@pytest.mark.parametrize("operation", ["createFlag", "createConfig", "createSegment", "createEnvironment"])
async def test_what_is_new_does_not_wait(guarded: Workspace, operation: str) -> None:
    made = await guarded.org.editor.make(operation, **CALLS[operation](guarded))
    assert (made["key"], "status" in made) == ("new", False)


async def test_a_kill_is_immediate_even_there(guarded: Workspace) -> None:
    assert (await guarded.org.editor.make("killFlag", **guarded.checkout))["killed"] is True


async def test_a_change_that_changes_nothing_is_no_change(guarded: Workspace) -> None:
    before = await guarded.version()
    await guarded.org.editor.make("updateFlagState", **guarded.checkout, defaultValue=True)
    assert await guarded.version() == before


@pytest.mark.raises_codes("approval_not_supported")
@pytest.mark.parametrize("weaker", [{"protected": False}, {"requiredApprovals": 1}])
async def test_protection_is_not_lowered_without_breaking_the_glass(
    instance: Instance, guarded: Workspace, weaker: dict[str, Any]
) -> None:
    async with instance.unchanged():
        reply = await guarded.org.owner.do("updateEnvironment", environmentId=guarded.environment_id, **weaker)
    assert reply.code == "approval_not_supported"
    lowered = await guarded.org.owner.make(
        "updateEnvironment", environmentId=guarded.environment_id, **weaker, breakGlass="We are on call."
    )
    assert {name: lowered[name] for name in weaker} == weaker


async def test_protection_is_raised_by_an_admin(guarded: Workspace) -> None:
    raised = await guarded.org.admin.make(
        "updateEnvironment", environmentId=guarded.environment_id, requiredApprovals=3
    )
    assert raised["requiredApprovals"] == 3


async def test_an_owner_breaks_the_glass_and_the_audit_says_so(instance: Instance, guarded: Workspace) -> None:
    state = await guarded.org.owner.make(
        "updateFlagState", **guarded.checkout, defaultValue=False, breakGlass="The shop is down."
    )
    assert state["defaultValue"] is False
    event = (await instance.audited())[-1]
    assert (event.break_glass, event.reason, event.action) == (True, "The shop is down.", "update_state")


@pytest.mark.parametrize("weaker", [{"protected": False}, {"requiredApprovals": 1}, {"name": "P", "protected": False}])
async def test_who_breaks_the_glass_to_lower_protection_is_audited_with_the_reason(
    instance: Instance, guarded: Workspace, weaker: dict[str, Any]
) -> None:
    before = len(await instance.audited())
    environment = {"environmentId": guarded.environment_id}
    await guarded.org.owner.make("updateEnvironment", **environment, **weaker, breakGlass="We are on call.")
    (event,) = (await instance.audited())[before:]
    assert (event.break_glass, event.reason) == (True, "We are on call.")


@pytest.mark.parametrize("stronger", [{"requiredApprovals": 3}, {"name": "Renamed"}])
async def test_what_needs_no_glass_broken_is_audited_as_any_change(
    instance: Instance, guarded: Workspace, stronger: dict[str, Any]
) -> None:
    environment = {"environmentId": guarded.environment_id}
    await guarded.org.owner.make("updateEnvironment", **environment, **stronger, breakGlass="We are on call.")
    event = (await instance.audited())[-1]
    assert (event.break_glass, event.reason) == (False, None)


@pytest.mark.raises_codes("approval_not_supported")
@pytest.mark.parametrize("operation", ["updateProject", "updateOrg"])
async def test_who_breaks_the_glass_to_take_ids_from_another_field_is_audited_with_the_reason(
    instance: Instance, guarded: Workspace, operation: str
) -> None:
    asked = {
        "updateProject": {"projectId": guarded.project_id, "targetIdField": "device"},
        "updateOrg": {"slug": guarded.org.slug, "defaultTargetIdField": "device"},
    }[operation]
    async with instance.unchanged():
        assert (await guarded.org.owner.do(operation, **asked)).code == "approval_not_supported"
    before = len(await instance.audited())
    await guarded.org.owner.make(operation, **asked, breakGlass="We are on call.")
    (event,) = (await instance.audited())[before:]
    assert (event.break_glass, event.reason) == (True, "We are on call.")
    ruleset = await guarded.org.viewer.make("ruleset", environmentId=guarded.environment_id)
    assert ruleset["targetIdField"] == "device"


@pytest.mark.raises_codes("insufficient_role", "invalid_request")
async def test_breaking_the_glass_takes_an_owner_and_a_reason(instance: Instance, guarded: Workspace) -> None:
    change = {**guarded.checkout, "defaultValue": False}
    async with instance.unchanged():
        admin = await guarded.org.admin.do("updateFlagState", **change, breakGlass="Let me.")
        replies = [
            await guarded.org.owner.do("updateFlagState", **change, breakGlass=said) for said in ("", "x" * 2001)
        ]
    assert (admin.code, {reply.code for reply in replies}) == ("insufficient_role", {"invalid_request"})


async def test_a_reason_to_break_the_glass_changes_nothing_where_there_is_no_glass(
    instance: Instance, workspace: Workspace
) -> None:
    await workspace.org.editor.make(
        "updateFlagState", **workspace.checkout, defaultValue=False, breakGlass="For safety."
    )
    event = (await instance.audited())[-1]
    assert (event.break_glass, event.reason) == (False, None)


@pytest.mark.raises_codes("invalid_request")
@pytest.mark.parametrize(
    "operation", ["applyProposal", "cancelProposal", "reviewProposal", "createProposal", "createFlag"]
)
async def test_what_overrides_nothing_takes_no_reason_to_break_the_glass(
    instance: Instance, guarded: Workspace, operation: str
) -> None:
    place = "X-Break-Glass" if instance.transport == "rest" else "breakGlass"
    async with instance.unchanged():
        reply = await guarded.org.owner.do(operation, **CALLS[operation](guarded), breakGlass="The shop is down.")
        nobodys = await guarded.org.viewer.do(operation, **CALLS[operation](guarded), breakGlass="Let me.")
    assert (reply.code, [*reply.fields]) == ("invalid_request", [place])
    assert nobodys.code == ("insufficient_role" if instance.transport == "rest" else "invalid_request")


async def test_a_kill_is_not_held_up_by_a_reason_to_break_the_glass(instance: Instance, guarded: Workspace) -> None:
    await guarded.org.editor.make("killFlag", **guarded.checkout, breakGlass="It loses orders.")
    event = (await instance.audited())[-1]
    assert (event.action, event.break_glass) == ("kill", False)


async def test_each_change_of_a_document_breaks_the_glass_for_itself(instance: Instance, guarded: Workspace) -> None:
    owner = guarded.org.owner
    if not isinstance(owner, GraphQLApi):
        pytest.skip("REST's calls make one change each")
    answer = await owner.run(
        """mutation($a: UpdateFlagStateInput!, $b: UpdateConfigStateInput!, $c: UpdateEnvironmentInput!,
                 $d: RestoreFlagInput!) {
          a: updateFlagState(input: $a) { flagState { defaultValue } proposal { kind } }
          b: updateConfigState(input: $b) { configState { defaultValue } proposal { kind } }
          c: updateEnvironment(input: $c) { environment { protected } }
          d: restoreFlag(input: $d) { flagState { killed } proposal { kind } }
        }""",
        {
            "a": {**guarded.checkout, "defaultValue": False, "breakGlass": "The shop is down."},
            "b": {**guarded.limits, "defaultValue": {"a": 2}},
            "c": {"environmentId": guarded.environment_id, "protected": False},
            "d": guarded.banner,
        },
    )
    assert answer["data"] == {
        "a": {"flagState": {"defaultValue": False}, "proposal": None},
        "b": {"configState": None, "proposal": {"kind": "SET_DEFAULT_VALUE_CONFIG"}},
        "c": None,
        "d": {"flagState": None, "proposal": {"kind": "RESTORE_FLAG"}},
    }
    assert [one["extensions"]["code"] for one in answer["errors"]] == ["approval_not_supported"]


async def test_nobody_breaks_the_glass_to_approve_their_own_proposal(instance: Instance, guarded: Workspace) -> None:
    owner = guarded.org.owner
    made = await owner.make("updateFlagState", **guarded.checkout, defaultValue=False)
    async with instance.unchanged():
        reply = await owner.do("applyProposal", proposalId=made["id"], breakGlass="The shop is down.")
    assert reply.code == ("forbidden" if instance.transport == "rest" else "invalid_request")
