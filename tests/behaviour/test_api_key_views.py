"""What a token sees: lists cut down to what a get allows, rulesets and evaluations to its resources."""

from itertools import product
from typing import Any

import pytest

from app.domain.actors import ResourcePattern
from app.engine.kinds import Kind
from tests.clients import Api
from tests.factories import Instance, Workspace

KEYS = ["payments", "payments.card", "payments.card.limit", "payments-x", "paymentsxcard", "search_a", "searchba"]
SIX = [
    ["*"],
    ["payments.*"],
    ["payments", "flag:payments.card.*"],
    ["search_a", "config:*"],
    ["flag:*"],
    ["segment:*", "none"],
]


async def grow(workspace: Workspace) -> list[str]:
    for key in KEYS:
        await workspace.org.editor.make(
            "createFlag",
            projectId=workspace.project_id,
            key=key,
            type="boolean",
            defaultValue=True,
            rules=[{"name": "everybody", "value": False}],
        )
    return ["checkout", "banner", *KEYS]


def expected(resources: list[str], keys: list[str]) -> list[str]:
    return [key for key in keys if matches(resources, Kind.FLAG, key)]


def matches(resources: list[str], kind: Kind, key: str) -> bool:
    return any(ResourcePattern.parse(one).matches(kind, key) for one in resources)


@pytest.mark.parametrize("resources", SIX, ids=" ".join)
async def test_lists_show_what_a_get_allows(instance: Instance, workspace: Workspace, resources: list[str]) -> None:
    keys = await grow(workspace)
    caller = await instance.token(workspace.org, level="observer", resources=resources)
    wanted = expected(resources, keys)
    for many, one, where in (
        ("flags", "flag", {"projectId": workspace.project_id}),
        ("flagStates", "flagState", {"environmentId": workspace.environment_id}),
    ):
        assert [found["key"] for found in await caller.make(many, **where)] == wanted
        for key in keys:
            assert ((await caller.do(one, **where, key=key)).code is None) == (key in wanted), key
        for key in keys:
            filtered = [found["key"] for found in await caller.make(many, **where, key=key)]
            assert filtered == ([key] if key in wanted else [])
        parts, cursor = [], None
        while True:
            reply = await caller.do(many, **where, limit=2, **({"cursor": cursor} if cursor else {}))
            parts += [found["key"] for found in reply.unwrap()]
            if (cursor := reply.next) is None:
                break
        assert parts == wanted
    document = await caller.make("ruleset", environmentId=workspace.environment_id)
    assert list(document["flags"]) == wanted
    evaluated = await caller.make("evaluate", environmentId=workspace.environment_id, context={})
    configs = ["limits"] if matches(resources, Kind.CONFIG, "limits") else []
    assert sorted(evaluated["evaluations"]) == sorted(configs + wanted)


async def test_lists_of_projects_and_environments_are_cut_down_to_what_a_get_allows(
    instance: Instance, workspace: Workspace
) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    other = await instance.workspace(workspace.org, "other")
    projects = [workspace.project_id, other.project_id]
    environments = {
        workspace.project_id: [workspace.environment_id, dev["id"]],
        other.project_id: [other.environment_id],
    }
    for scope in (
        {"org": True},
        {"projects": [other.project_id]},
        {"projects": projects},
        {"envs": [dev["id"]]},
        {"envs": [dev["id"], other.environment_id]},
    ):
        caller = await instance.token(workspace.org, level="observer", environments=scope)
        shown = [one["id"] for one in await caller.make("projects", orgSlug=workspace.org.slug)]
        assert shown == [one for one in projects if (await caller.do("project", projectId=one)).code is None]
        for project in shown:
            seen = [one["id"] for one in await caller.make("environments", projectId=project)]
            allowed = [
                one for one in environments[project] if (await caller.do("environment", environmentId=one)).code is None
            ]
            assert seen == allowed != []


async def test_a_list_without_the_verb_or_the_environment_is_refused(instance: Instance, workspace: Workspace) -> None:
    other = await instance.workspace(workspace.org, "other")
    client = await instance.token(workspace.org, level="client")
    elsewhere = await instance.token(workspace.org, environments={"envs": [other.environment_id]})
    for many, where in (
        ("projects", {"orgSlug": workspace.org.slug}),
        ("environments", {"projectId": workspace.project_id}),
        ("flags", {"projectId": workspace.project_id}),
        ("flagStates", {"environmentId": workspace.environment_id}),
        ("ruleset", {"environmentId": workspace.environment_id}),
    ):
        assert (await client.do(many, **where)).code == "token_action_denied", many
        if many != "projects":
            assert (await elsewhere.do(many, **where)).code == "token_env_out_of_scope", many


async def test_the_organisations_of_a_token_are_its_own_if_it_may_read_it(
    instance: Instance, workspace: Workspace
) -> None:
    await instance.org("other")
    caller = await instance.token(workspace.org, level="observer")
    assert [one["slug"] for one in await caller.make("orgs")] == [workspace.org.slug]
    for more, code in (
        ({"level": "client"}, "token_action_denied"),
        ({"resources": ["payments.*"]}, "token_resource_out_of_scope"),
        ({"environments": {"projects": [workspace.project_id]}}, "token_env_out_of_scope"),
    ):
        narrow = await instance.token(workspace.org, **more)
        for operation, where in (("orgs", {}), ("org", {"slug": workspace.org.slug})):
            assert (await narrow.do(operation, **where)).code == code


async def evaluate(caller: Api, workspace: Workspace, **more: Any) -> Any:
    return await caller.do("evaluate", environmentId=workspace.environment_id, **{"context": {}, **more})


@pytest.mark.raises_codes("token_resource_out_of_scope", "scope_denied")
async def test_an_explicit_key_outside_the_resources_refuses_the_call(instance: Instance, workspace: Workspace) -> None:
    await grow(workspace)
    caller = await instance.token(
        workspace.org, level="client", resources=["payments.*", "config:other", "segment:only"]
    )
    found = (await evaluate(caller, workspace, keys=["payments.card", "payments.none", "other"])).unwrap()[
        "evaluations"
    ]
    assert {key: one and one["value"] for key, one in found.items()} == {
        "payments.card": False,
        "payments.none": None,
        "other": None,
    }
    for keys, fields in (
        (["payments.card", "banner"], {"keys.1"}),
        (["banner", "payments.card", "none", "banner"], {"keys.0", "keys.2"}),
        (["payments.card", "only"], {"keys.1"}),
        (["payments.card", "*"], {"keys.1"}),
    ):
        reply = await evaluate(caller, workspace, keys=keys)
        assert (reply.code, set(reply.fields)) == ("scope_denied", fields)
    for keys in (["banner"], ["none"], ["banner", "banner"]):
        reply = await evaluate(caller, workspace, keys=keys)
        assert (reply.code, reply.fields) == ("token_resource_out_of_scope", {})
    elsewhere = await instance.token(workspace.org, actions=["write"], resources=["payments.*"])
    for keys, fields in (
        (["banner"], {"action", "resource"}),
        (["x", "payments.card", "y"], {"action", "keys.0", "keys.2"}),
    ):
        reply = await evaluate(elsewhere, workspace, keys=keys)
        assert (reply.code, set(reply.fields)) == ("scope_denied", fields)
    assert (await evaluate(elsewhere, workspace, keys=["payments.card", "payments.x"])).code == "token_action_denied"


async def test_a_key_of_a_kind_outside_the_resources_is_as_if_it_were_not_there(
    instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, level="client", resources=["config:banner"])
    for keys in (["banner"], ["banner", "banner"]):
        found = (await evaluate(caller, workspace, keys=keys)).unwrap()
        assert found["evaluations"] == {"banner": None}
    assert (await evaluate(caller, workspace)).unwrap()["evaluations"] == {}


async def test_the_scope_of_an_evaluation_comes_before_its_body(instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org, level="client", resources=["payments.*"])
    for keys, code in ((["banner"], "token_resource_out_of_scope"), (["payments.x"], "invalid_request")):
        assert (await evaluate(caller, workspace, keys=keys, context=[])).code == code


async def test_a_client_gets_no_rule_names_and_no_traces(instance: Instance, workspace: Workspace) -> None:
    await grow(workspace)
    client, observer = [await instance.token(workspace.org, level=level) for level in ("client", "observer")]
    for caller, named in ((client, False), (observer, True), (workspace.org.viewer, True)):
        for keys in ({}, {"keys": ["payments"]}):
            reason = (await evaluate(caller, workspace, **keys)).unwrap()["evaluations"]["payments"]["reason"]
            assert reason == {"kind": "rule_match", "ruleIndex": 0} | ({"ruleName": "everybody"} if named else {})
        traced = await evaluate(caller, workspace, keys=["payments"], verboseReason=True)
        assert traced.code == (None if named else "token_action_denied")
    (await evaluate(client, workspace, keys=["payments"], verboseReason=False)).unwrap()


@pytest.mark.raises_codes("scope_denied")
async def test_a_trace_of_a_key_outside_the_resources_is_refused_for_both(
    instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, actions=["evaluate"], resources=["payments.*"])
    async with instance.unchanged():
        for keys, resource in ((["banner"], "resource"), (["payments.x", "banner"], "keys.1")):
            reply = await evaluate(caller, workspace, keys=keys, verboseReason=True)
            assert (reply.code, reply.status, set(reply.fields)) == ("scope_denied", 403, {"action", resource})


@pytest.mark.parametrize("instance", ["graphql"], indirect=True)
async def test_nested_fields_show_a_token_no_more_than_its_own_reads(instance: Instance, workspace: Workspace) -> None:
    await grow(workspace)
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    scope = {"environments": {"envs": [workspace.environment_id]}, "resources": ["payments.*"]}
    caller: Any = await instance.token(workspace.org, level="observer", **scope)
    answer = await caller.run(
        "query($id: ID!, $dev: ID!) { project(id: $id) { org { slug } "
        "environments { nodes { key flagStates { totalCount } } } "
        "flags { totalCount nodes { key states { environment { id } } state(environmentId: $dev) { id } } } } }",
        {"id": workspace.project_id, "dev": dev["id"]},
    )
    project = answer["data"]["project"]
    assert project["org"] is None
    assert project["environments"]["nodes"] == [{"key": "prod", "flagStates": {"totalCount": 2}}]
    assert project["flags"]["totalCount"] == 2
    for flag in project["flags"]["nodes"]:
        assert flag["state"] is None
        assert flag["states"] == [{"environment": {"id": workspace.environment_id}}]


@pytest.mark.parametrize("instance", ["graphql"], indirect=True)
async def test_a_node_is_null_where_a_get_would_be_refused(instance: Instance, workspace: Workspace) -> None:
    state = await workspace.org.viewer.make("flagState", **workspace.banner)
    ids = {
        "Org": (await workspace.org.viewer.make("org", slug=workspace.org.slug))["id"],
        "Project": workspace.project_id,
        "Environment": workspace.environment_id,
        "Flag": state["primitiveId"],
        "FlagState": state["id"],
        "ApiKey": workspace.api_key["id"],
    }
    levels: list[dict[str, Any]] = [{"level": "client"}, {"level": "observer"}]
    scopes: list[dict[str, Any]] = [
        {},
        {"resources": ["payments.*"]},
        {"environments": {"envs": [workspace.environment_id]}},
    ]
    seen = {}
    for number, (level, scope) in enumerate(product(levels, scopes)):
        caller: Any = await instance.token(workspace.org, **level, **scope)
        for name, one in ids.items():
            answer = await caller.run("query($id: ID!) { node(id: $id) { __typename id } }", {"id": one})
            assert "errors" not in answer
            seen[number, name] = answer["data"]["node"] and answer["data"]["node"]["__typename"]
    assert {key for key, name in seen.items() if name is not None} == {
        *((3, name) for name in ("Org", "Project", "Environment", "Flag", "FlagState")),
        *((4, name) for name in ("Project", "Environment")),
        *((5, name) for name in ("Project", "Environment", "Flag", "FlagState")),
    }
    assert all(name in (None, key[1]) for key, name in seen.items())
