"""Flags with rules: saved, evaluated with reasons and traces, refused with every fault at its path."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace

PRO = {"field": "plan", "$equals": "pro"}
RULES: list[dict[str, Any]] = [
    {"if": {"$and": [PRO, {"$not": {"field": "country", "$in": ["de"]}}]}, "value": True, "name": "pro abroad"},
    {"if": {"field": "age", "$gte": 65}, "split": [{"value": True, "percent": 100, "name": "all"}], "seed": "s"},
    {"value": True, "rolloutPercent": 0},
]


async def evaluated(workspace: Workspace, context: dict[str, Any], **options: Any) -> Any:
    answer = await workspace.org.viewer.make(
        "evaluate", environmentId=workspace.environment_id, context=context, keys=["checkout"], **options
    )
    return answer["evaluations"]["checkout"]


@pytest.fixture
async def ruled(workspace: Workspace) -> Workspace:
    """The workspace, with rules on its boolean flag."""
    state = await workspace.org.editor.make(
        "updateFlagState", environmentId=workspace.environment_id, key="checkout", rules=RULES, defaultValue=False
    )
    assert state["rules"] == RULES
    return workspace


@pytest.mark.parametrize(
    ("context", "value", "reason"),
    [
        ({"plan": "pro"}, True, {"kind": "rule_match", "ruleIndex": 0, "ruleName": "pro abroad"}),
        ({"plan": "pro", "country": "de"}, False, {"kind": "default"}),
        ({"age": 65, "userId": "a"}, True, {"kind": "rule_match", "ruleIndex": 1, "variant": "all"}),
        ({"userId": "a"}, False, {"kind": "default"}),
    ],
)
async def test_the_first_rule_that_applies_decides(
    ruled: Workspace, context: dict[str, Any], value: bool, reason: dict[str, Any]
) -> None:
    assert await evaluated(ruled, context) == {"value": value, "defaultValue": False, "reason": reason}


async def test_a_trace_tells_what_became_of_each_rule(ruled: Workspace) -> None:
    trace = (await evaluated(ruled, {"plan": "free"}, verboseReason=True))["reason"]["trace"]
    assert [(entry["ruleIndex"], entry["outcome"]) for entry in trace] == [
        (0, "condition_false"),
        (1, "condition_false"),
        (2, "not_admitted"),
    ]
    assert trace[0]["condition"]["children"][0] == {
        "operator": "$equals",
        "field": "plan",
        "operand": "pro",
        "actual": "free",
        "result": False,
    }


async def test_the_state_is_read_as_it_was_written(ruled: Workspace) -> None:
    state = await ruled.org.viewer.make("flagState", environmentId=ruled.environment_id, key="checkout")
    ruleset = await ruled.org.viewer.make("ruleset", environmentId=ruled.environment_id)
    assert state["rules"] == RULES
    assert ruleset["flags"]["checkout"]["rules"] == RULES


async def test_rules_that_are_equal_as_json_change_nothing(ruled: Workspace) -> None:
    before = await ruled.org.viewer.make("flagState", environmentId=ruled.environment_id, key="checkout")
    same = [{**rule, "rolloutPercent": 0.0} if "rolloutPercent" in rule else rule for rule in RULES]
    after = await ruled.org.editor.make(
        "updateFlagState", environmentId=ruled.environment_id, key="checkout", rules=same
    )
    assert after["version"] == before["version"]


@pytest.mark.raises_codes("invalid_request")
async def test_every_fault_is_named_at_its_path_and_nothing_changes(ruled: Workspace) -> None:
    before = await ruled.org.viewer.make("flagState", environmentId=ruled.environment_id, key="checkout")
    faulty = [
        {"if": {"$and": [{"field": "a", "$matches": "("}, {"field": "b", "$inCidr": ["10.0.0.0"]}]}, "value": "no"},
        {"if": {"$segment": "none"}, "value": True},
        {"if": {"$or": [{"$flag": "other", "$equals": True}]}, "split": [{"value": True, "percent": 99.5}]},
        {"value": True, "rolloutPercent": 12.345},
    ]
    reply = await ruled.org.editor.do(
        "updateFlagState", environmentId=ruled.environment_id, key="checkout", rules=faulty, defaultValue="no"
    )
    assert reply.code == "invalid_request"
    assert set(reply.fields) == {
        "defaultValue",
        "rules.0.if.$and.0.$matches",
        "rules.0.if.$and.1.$inCidr.0",
        "rules.0.value",
        "rules.1.if.$segment",
        "rules.2.if.$or.0.$flag",
        "rules.2.split",
        "rules.3.rolloutPercent",
    }
    assert await ruled.org.viewer.make("flagState", environmentId=ruled.environment_id, key="checkout") == before


async def test_a_whole_state_is_replaced(ruled: Workspace) -> None:
    state = await ruled.org.editor.make(
        "replaceFlagState", environmentId=ruled.environment_id, key="checkout", defaultValue=True, rules=[]
    )
    assert (state["defaultValue"], state["rules"]) == (True, [])
    assert (await evaluated(ruled, {"plan": "pro"}))["reason"] == {"kind": "default"}


async def test_a_copied_environment_has_the_rules(ruled: Workspace) -> None:
    copy = await ruled.org.editor.make(
        "createEnvironment",
        projectId=ruled.project_id,
        key="copy",
        name="Copy",
        copyFromEnvId=ruled.environment_id,
    )
    state = await ruled.org.viewer.make("flagState", environmentId=copy["id"], key="checkout")
    assert (copy["version"], state["rules"], state["version"]) == (1, RULES, 1)


async def test_of_a_key_that_stands_twice_in_an_evaluation_over_rest_the_last_counts(ruled: Workspace) -> None:
    body = '{"context": {"plan": "free", "plan": "pro"}, "keys": ["checkout"]}'
    answer = await ruled.org.viewer.client.post(
        f"/api/v1/envs/{ruled.environment_id}/evaluate", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.json()["evaluations"]["checkout"]["reason"]["ruleIndex"] == 0


async def test_a_disabled_rule_is_never_tried_but_shown_kept_and_counted(workspace: Workspace) -> None:
    rules = [{"value": False, "disabled": True}, {"if": PRO, "value": True, "disabled": False}]
    state = await workspace.org.editor.make(
        "updateFlagState", environmentId=workspace.environment_id, key="checkout", rules=rules, defaultValue=False
    )
    assert state["rules"] == rules
    reason = (await evaluated(workspace, {"plan": "pro"}, verboseReason=True))["reason"]
    assert (reason["kind"], reason["ruleIndex"]) == ("rule_match", 1)
    assert reason["trace"][0] == {"ruleIndex": 0, "outcome": "disabled"}
    assert (await evaluated(workspace, {}))["reason"] == {"kind": "default"}


@pytest.mark.raises_codes("in_use")
async def test_what_a_disabled_rule_refers_to_cannot_be_deleted(instance: Instance, workspace: Workspace) -> None:
    rules = [{"if": {"$flag": "banner", "$equals": "x"}, "value": True, "disabled": True}]
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, rules=rules)
    async with instance.unchanged():
        reply = await workspace.org.admin.do("deleteFlag", projectId=workspace.project_id, key="banner")
    assert (reply.code, set(reply.fields)) == ("in_use", {"flag.checkout"})


@pytest.mark.raises_codes("invalid_request")
async def test_disabled_is_true_or_false_and_a_disabled_rule_is_checked(
    instance: Instance, workspace: Workspace
) -> None:
    rules = [{"value": "no", "disabled": True}, {"if": {"$segment": "none"}, "value": True, "disabled": True}]
    async with instance.unchanged():
        reply = await workspace.org.editor.do("updateFlagState", **workspace.checkout, rules=rules)
    assert (reply.code, set(reply.fields)) == ("invalid_request", {"rules.0.value", "rules.1.if.$segment"})


async def test_null_for_disabled_is_a_wrong_type_in_rest_and_absent_in_graphql(
    instance: Instance, workspace: Workspace
) -> None:
    rules = [{"value": False, "disabled": None}]
    reply = await workspace.org.editor.do("updateFlagState", **workspace.checkout, rules=rules)
    if instance.transport == "rest":
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"rules.0.disabled"})
    else:
        assert reply.unwrap()["rules"] == [{"value": False}]
