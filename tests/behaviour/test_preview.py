"""Previews: what drafts would do to contexts, without storing anything."""

from typing import Any

import pytest

from tests.clients import Reply
from tests.factories import Instance, Workspace

ADA, BOB = {"userId": "u-1", "n": 2**64 - 1}, {"userId": "u-2"}
DEFAULT, FIRST = {"kind": "default"}, {"kind": "rule_match", "ruleIndex": 0}
OURS = [{"if": {"$segment": "staff"}, "value": "ours"}]


async def preview(workspace: Workspace, *contexts: dict[str, Any], **ruleset: Any) -> Reply:
    asked = {"environmentId": workspace.environment_id, "spotCheck": list(contexts), "ruleset": ruleset}
    return await workspace.org.viewer.do("preview", **asked)


def compared(live: Any, drafted: Any) -> dict[str, Any]:
    """What is shown of a key, from its values and reasons."""
    named = ("value", "reason")
    return {
        "live": dict(zip(named, live, strict=True)),
        "preview": dict(zip(named, drafted, strict=True)),
        "flips": live[0] != drafted[0],
    }


@pytest.fixture
async def linked(workspace: Workspace) -> Workspace:
    """The workspace, whose banner depends on the segment, and its flag on the banner."""
    editor = workspace.org.editor
    await editor.make("updateFlagState", **workspace.banner, rules=OURS)
    rules = [{"if": {"$flag": "banner", "$equals": "ours"}, "value": False}]
    await editor.make("updateFlagState", **workspace.checkout, rules=rules)
    return workspace


async def test_drafts_that_refer_to_each_other_are_tried_together(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        found = await preview(
            workspace,
            ADA,
            BOB,
            flags={"banner": {"rules": OURS}},
            configs={"limits": {"defaultValue": {"a": 2}}},
            segments={"staff": {"allowList": ["u-1"]}},
        )
    limits = compared(({"a": 1}, DEFAULT), ({"a": 2}, DEFAULT))
    assert found.unwrap() == {
        "version": await workspace.version(),
        "results": [
            {
                "context": ADA,
                "evaluations": {"banner": compared(("hello", DEFAULT), ("ours", FIRST)), "limits": limits},
            },
            {
                "context": BOB,
                "evaluations": {"banner": compared(("hello", DEFAULT), ("hello", DEFAULT)), "limits": limits},
            },
        ],
        "flips": {"banner": 1, "limits": 2},
        "truncated": False,
    }
    assert (await workspace.evaluated("banner"))["value"] == "hello"


async def test_what_depends_on_a_draft_is_shown_where_it_flips(linked: Workspace) -> None:
    found = (await preview(linked, ADA, BOB, segments={"staff": {"allowList": ["u-1"]}})).unwrap()
    assert [result["evaluations"] for result in found["results"]] == [
        {
            "banner": compared(("hello", DEFAULT), ("ours", FIRST)),
            "checkout": compared((True, DEFAULT), (False, FIRST)),
        },
        {},
    ]
    assert found["flips"] == {"banner": 1, "checkout": 1}


async def test_another_reason_for_the_same_value_is_no_flip(workspace: Workspace) -> None:
    found = (await preview(workspace, ADA, flags={"banner": {"rules": [{"name": "all", "value": "hello"}]}})).unwrap()
    shown = found["results"][0]["evaluations"]["banner"]
    assert shown == compared(("hello", DEFAULT), ("hello", {**FIRST, "ruleName": "all"}))
    assert found["flips"] == {}


async def test_a_draft_of_a_killed_flag_stays_killed(workspace: Workspace) -> None:
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    found = (await preview(workspace, ADA, flags={"checkout": {"rules": [{"value": True}]}})).unwrap()
    killed = (False, {"kind": "killed"})
    assert found["results"][0]["evaluations"] == {"checkout": compared(killed, killed)}


async def test_values_and_contexts_come_back_exactly(workspace: Workspace) -> None:
    value = {"__proto__": 1, "z": 2**64 - 1, "a": [0.1, 1.0, -0.5], "n": None}
    context = {"z": 1, "__proto__": {"a": 2**63}, "a": 1.5}
    found = (await preview(workspace, context, configs={"limits": {"defaultValue": value}})).unwrap()
    shown = found["results"][0]
    assert repr(shown["context"]) == repr(context)
    assert repr(shown["evaluations"]["limits"]["preview"]["value"]) == repr(value)


async def test_at_version_0_drafts_can_be_tried(workspace: Workspace) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    asked = {"spotCheck": [ADA], "ruleset": {"flags": {"banner": {"defaultValue": "bye"}}}}
    found = await workspace.org.viewer.make("preview", environmentId=dev["id"], **asked)
    assert (found["version"], found["flips"]) == (0, {"banner": 1})


async def test_nothing_drafted_or_no_contexts_is_no_fault(workspace: Workspace) -> None:
    nothing = {"version": await workspace.version(), "flips": {}, "truncated": False}
    assert (await preview(workspace, ADA)).unwrap() == {**nothing, "results": [{"context": ADA, "evaluations": {}}]}
    drafted = await preview(workspace, flags={"banner": {"defaultValue": "bye"}})
    assert drafted.unwrap() == {**nothing, "results": []}


@pytest.mark.raises_codes("invalid_request")
async def test_all_faults_are_named_at_their_paths_and_nothing_is_stored(
    instance: Instance, workspace: Workspace
) -> None:
    condition = {"$and": [{"field": "a", "$equals": 1}, {"$segment": "none"}]}
    async with instance.unchanged():
        reply = await preview(
            workspace,
            {"a": "x" * 70_000},
            flags={
                "checkout": {"rules": [{"if": condition, "value": 1}], "killed": True},
                "banner": {"defaultValue": 1},
                "none": {},
                "limits": {},
            },
            configs={"limits": 3},
            segments={"staff": {"rules": [{"value": True}], "denyList": [7]}},
        )
    assert (reply.code, reply.status) == ("invalid_request", 400)
    assert set(reply.fields) == {
        "spotCheck.0",
        "ruleset.flags.checkout.rules.0.if.$and.1.$segment",
        "ruleset.flags.checkout.rules.0.value",
        "ruleset.flags.checkout.killed",
        "ruleset.flags.banner.defaultValue",
        "ruleset.flags.none",
        "ruleset.flags.limits",
        "ruleset.configs.limits",
        "ruleset.segments.staff.rules.0.value",
        "ruleset.segments.staff.denyList.0",
    }


@pytest.mark.raises_codes("invalid_request")
async def test_a_cycle_that_only_several_drafts_make_is_refused(workspace: Workspace) -> None:
    def follows(key: str, wanted: Any, value: Any) -> dict[str, Any]:
        return {"rules": [{"if": {"$flag": key, "$equals": wanted}, "value": value}]}

    drafts = {"banner": follows("checkout", True, "open"), "checkout": follows("banner", "open", False)}
    assert (await preview(workspace, ADA, flags={"banner": drafts["banner"]})).code is None
    reply = await preview(workspace, ADA, flags=drafts)
    assert reply.fields == {
        f"ruleset.flags.{key}.rules.0.if.$flag": "Creates a reference cycle." for key in ("banner", "checkout")
    }


async def test_a_draft_may_end_the_cycle_that_another_would_make(linked: Workspace) -> None:
    # The flag follows the banner live, so the banner can follow the flag only where the flag's rules end.
    banner = {"rules": [{"if": {"$flag": "checkout", "$equals": True}, "value": "open"}]}
    assert (await preview(linked, ADA, flags={"banner": banner})).code == "invalid_request"
    found = (await preview(linked, ADA, flags={"banner": banner, "checkout": {"rules": []}})).unwrap()
    assert found["results"][0]["evaluations"]["banner"]["preview"] == {"value": "open", "reason": FIRST}


@pytest.mark.raises_codes("invalid_request")
async def test_drafted_values_match_the_schema_of_the_config(workspace: Workspace) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    named = {"projectId": workspace.project_id, "key": "limits"}
    await workspace.org.editor.make("updateConfig", **named, jsonSchema=schema)
    drafts = {"limits": {"defaultValue": {"a": "x"}, "rules": [{"value": {"a": 1.5}}]}}
    reply = await preview(workspace, ADA, configs=drafts)
    assert set(reply.fields) == {"ruleset.configs.limits.defaultValue.a", "ruleset.configs.limits.rules.0.value.a"}


@pytest.mark.parametrize(
    "asked",
    [
        {"ruleset": {}},
        {"spotCheck": []},
        {"spotCheck": [{}] * 1_001, "ruleset": {}},
        {"spotCheck": [1], "ruleset": {}},
        {"spotCheck": [{}], "ruleset": {"other": {}}},
        {"spotCheck": [{}], "ruleset": {"flags": []}},
        {"spotCheck": [{}], "ruleset": {}, "sample": 3},
    ],
)
@pytest.mark.raises_codes("invalid_request")
async def test_a_faulty_preview_is_refused(workspace: Workspace, asked: dict[str, Any]) -> None:
    reply = await workspace.org.viewer.do("preview", environmentId=workspace.environment_id, **asked)
    assert (reply.code, reply.status) == ("invalid_request", 400)


@pytest.mark.raises_codes("invalid_request")
async def test_what_compares_too_much_is_refused_at_its_context(workspace: Workspace) -> None:
    conditions = [{"field": "tags", "$contains": n} for n in range(1, 502)]
    drafts = {"checkout": {"rules": [{"if": {"$or": conditions}, "value": False}]}}
    reply = await preview(workspace, ADA, {"tags": [0] * 10_001}, flags=drafts)
    assert set(reply.fields) == {"spotCheck.1"}


@pytest.mark.raises_codes("invalid_request")
async def test_what_is_too_much_for_all_contexts_together_is_refused(workspace: Workspace) -> None:
    conditions = [{"field": "tags", "$contains": n} for n in range(1, 1_001)]
    drafts = {"checkout": {"rules": [{"if": {"$or": conditions}, "value": False}]}}
    context = {"tags": [0] * 4_900}
    assert (await preview(workspace, *[context] * 10, flags=drafts)).code is None
    reply = await preview(workspace, *[context] * 21, flags=drafts)
    assert set(reply.fields) == {"spotCheck"}


@pytest.mark.raises_codes("token_resource_out_of_scope", "scope_denied", "token_action_denied")
async def test_a_token_previews_what_it_may_read(instance: Instance, linked: Workspace) -> None:
    async def previewed(drafts: dict[str, Any], **scope: Any) -> Reply:
        token = await instance.token(linked.org, **scope)
        return await token.do("preview", environmentId=linked.environment_id, spotCheck=[ADA], ruleset=drafts)

    staff, banner = {"staff": {"allowList": ["u-1"]}}, {"banner": {"rules": OURS}}
    of_some: dict[str, Any] = {"level": "observer", "resources": ["segment:staff", "flag:checkout"]}
    found = (await previewed({"segments": staff}, **of_some)).unwrap()
    assert (list(found["results"][0]["evaluations"]), found["flips"]) == (["checkout"], {"checkout": 1})
    assert (await previewed({"flags": banner}, **of_some)).code == "token_resource_out_of_scope"
    assert (await previewed({"flags": {"none": {}}}, **of_some)).code == "token_resource_out_of_scope"
    several = await previewed({"flags": banner, "segments": staff}, **of_some)
    assert (several.code, set(several.fields)) == ("scope_denied", {"ruleset.flags.banner"})
    assert (await previewed({"flags": banner}, actions=["evaluate"])).code == "token_action_denied"


@pytest.mark.raises_codes("token_resource_out_of_scope")
async def test_a_draft_refers_to_nothing_beyond_the_tokens_resources(instance: Instance, linked: Workspace) -> None:
    of_flags = await instance.token(linked.org, level="observer", resources=["flag:*"])
    asked: dict[str, Any] = {"environmentId": linked.environment_id, "spotCheck": [ADA]}
    # What the live rules refer to already may stay.
    assert (await of_flags.do("preview", **asked, ruleset={"flags": {"banner": {"rules": OURS}}})).code is None
    rules = [{"if": {"$segment": "staff"}, "value": False}]
    reply = await of_flags.do("preview", **asked, ruleset={"flags": {"checkout": {"rules": rules}}})
    assert reply.code == "token_resource_out_of_scope"
    assert set(reply.fields) == {"ruleset.flags.checkout.rules.0.if.$segment"}


async def test_nobody_else_can_preview(instance: Instance, workspace: Workspace) -> None:
    stranger = (await instance.person("stranger"))[1]
    asked: dict[str, Any] = {"environmentId": workspace.environment_id, "spotCheck": [ADA], "ruleset": {}}
    assert (await stranger.do("preview", **asked)).code == "not_found"
    assert (await instance.anonymous().do("preview", **asked)).code == "unauthorized"
