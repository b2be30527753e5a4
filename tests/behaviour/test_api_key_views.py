"""What a token sees: lists cut down to what a get allows, rulesets and evaluations to its resources."""

from itertools import product
from typing import Any

import pytest

from app.domain.actors import ResourcePattern
from app.engine.kinds import Kind
from tests.clients import Api
from tests.factories import Instance, Place

KEYS = ["payments", "payments.card", "payments.card.limit", "payments-x", "paymentsxcard", "search_a", "searchba"]
SIX = [
    ["*"],
    ["payments.*"],
    ["payments", "flag:payments.card.*"],
    ["search_a", "config:*"],
    ["flag:*"],
    ["segment:*", "none"],
]


async def grow(place: Place) -> list[str]:
    for key in KEYS:
        await place.org.editor.make(
            "createFlag",
            projectId=place.project_id,
            key=key,
            type="boolean",
            defaultValue=True,
            rules=[{"name": "everybody", "value": False}],
        )
    return ["checkout", "banner", *KEYS]


def expected(resources: list[str], keys: list[str]) -> list[str]:
    patterns = [ResourcePattern.parse(one) for one in resources]
    return [key for key in keys if any(one.matches(Kind.FLAG, key) for one in patterns)]


@pytest.mark.parametrize("resources", SIX, ids=" ".join)
async def test_lists_show_what_a_get_allows(instance: Instance, place: Place, resources: list[str]) -> None:
    keys = await grow(place)
    caller = await instance.token(place.org, level="observer", resources=resources)
    wanted = expected(resources, keys)
    for many, one, where in (
        ("flags", "flag", {"projectId": place.project_id}),
        ("flagStates", "flagState", {"environmentId": place.environment_id}),
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
    document = await caller.make("ruleset", environmentId=place.environment_id)
    assert list(document["flags"]) == wanted
    evaluated = await caller.make("evaluate", environmentId=place.environment_id, context={})
    assert list(evaluated["evaluations"]) == wanted


async def test_lists_of_projects_and_environments_are_cut_down_to_what_a_get_allows(
    instance: Instance, place: Place
) -> None:
    dev = await place.org.editor.make("createEnvironment", projectId=place.project_id, key="dev", name="Dev")
    other = await instance.place(place.org, "other")
    projects = [place.project_id, other.project_id]
    environments = {place.project_id: [place.environment_id, dev["id"]], other.project_id: [other.environment_id]}
    for scope in (
        {"org": True},
        {"projects": [other.project_id]},
        {"projects": projects},
        {"envs": [dev["id"]]},
        {"envs": [dev["id"], other.environment_id]},
    ):
        caller = await instance.token(place.org, level="observer", environments=scope)
        shown = [one["id"] for one in await caller.make("projects", orgSlug=place.org.slug)]
        assert shown == [one for one in projects if (await caller.do("project", projectId=one)).code is None]
        for project in shown:
            seen = [one["id"] for one in await caller.make("environments", projectId=project)]
            allowed = [
                one for one in environments[project] if (await caller.do("environment", environmentId=one)).code is None
            ]
            assert seen == allowed != []


async def test_a_list_without_the_verb_or_the_environment_is_refused(instance: Instance, place: Place) -> None:
    other = await instance.place(place.org, "other")
    client = await instance.token(place.org, level="client")
    elsewhere = await instance.token(place.org, environments={"envs": [other.environment_id]})
    for many, where in (
        ("projects", {"orgSlug": place.org.slug}),
        ("environments", {"projectId": place.project_id}),
        ("flags", {"projectId": place.project_id}),
        ("flagStates", {"environmentId": place.environment_id}),
        ("ruleset", {"environmentId": place.environment_id}),
    ):
        assert (await client.do(many, **where)).code == "token_action_denied", many
        if many != "projects":
            assert (await elsewhere.do(many, **where)).code == "token_env_out_of_scope", many


async def test_the_organisations_of_a_token_are_its_own_if_it_may_read_it(instance: Instance, place: Place) -> None:
    await instance.org("other")
    caller = await instance.token(place.org, level="observer")
    assert [one["slug"] for one in await caller.make("orgs")] == [place.org.slug]
    for more, code in (
        ({"level": "client"}, "token_action_denied"),
        ({"resources": ["payments.*"]}, "token_resource_out_of_scope"),
        ({"environments": {"projects": [place.project_id]}}, "token_env_out_of_scope"),
    ):
        narrow = await instance.token(place.org, **more)
        for operation, where in (("orgs", {}), ("org", {"slug": place.org.slug})):
            assert (await narrow.do(operation, **where)).code == code


async def evaluate(caller: Api, place: Place, **more: Any) -> Any:
    return await caller.do("evaluate", environmentId=place.environment_id, **{"context": {}, **more})


@pytest.mark.provokes("token_resource_out_of_scope", "scope_denied")
async def test_an_explicit_key_outside_the_resources_refuses_the_call(instance: Instance, place: Place) -> None:
    await grow(place)
    caller = await instance.token(place.org, level="client", resources=["payments.*", "config:other", "segment:only"])
    found = (await evaluate(caller, place, keys=["payments.card", "payments.none", "other"])).unwrap()["evaluations"]
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
        reply = await evaluate(caller, place, keys=keys)
        assert (reply.code, set(reply.fields)) == ("scope_denied", fields)
    for keys in (["banner"], ["none"], ["banner", "banner"]):
        reply = await evaluate(caller, place, keys=keys)
        assert (reply.code, reply.fields) == ("token_resource_out_of_scope", {})
    elsewhere = await instance.token(place.org, actions=["write"], resources=["payments.*"])
    for keys, fields in (
        (["banner"], {"action", "resource"}),
        (["x", "payments.card", "y"], {"action", "keys.0", "keys.2"}),
    ):
        reply = await evaluate(elsewhere, place, keys=keys)
        assert (reply.code, set(reply.fields)) == ("scope_denied", fields)
    assert (await evaluate(elsewhere, place, keys=["payments.card", "payments.x"])).code == "token_action_denied"


async def test_a_key_of_a_kind_outside_the_resources_is_as_if_it_were_not_there(
    instance: Instance, place: Place
) -> None:
    caller = await instance.token(place.org, level="client", resources=["config:banner"])
    for keys in (["banner"], ["banner", "banner"]):
        found = (await evaluate(caller, place, keys=keys)).unwrap()
        assert found["evaluations"] == {"banner": None}
    assert (await evaluate(caller, place)).unwrap()["evaluations"] == {}


async def test_the_scope_of_an_evaluation_comes_before_its_body(instance: Instance, place: Place) -> None:
    caller = await instance.token(place.org, level="client", resources=["payments.*"])
    for keys, code in ((["banner"], "token_resource_out_of_scope"), (["payments.x"], "invalid_request")):
        assert (await evaluate(caller, place, keys=keys, context=[])).code == code


async def test_a_client_gets_no_rule_names_and_no_traces(instance: Instance, place: Place) -> None:
    await grow(place)
    client, observer = [await instance.token(place.org, level=level) for level in ("client", "observer")]
    for caller, named in ((client, False), (observer, True), (place.org.viewer, True)):
        for keys in ({}, {"keys": ["payments"]}):
            reason = (await evaluate(caller, place, **keys)).unwrap()["evaluations"]["payments"]["reason"]
            assert reason == {"kind": "rule_match", "ruleIndex": 0} | ({"ruleName": "everybody"} if named else {})
        traced = await evaluate(caller, place, keys=["payments"], verboseReason=True)
        assert traced.code == (None if named else "token_action_denied")
    (await evaluate(client, place, keys=["payments"], verboseReason=False)).unwrap()


async def test_nested_fields_show_a_token_no_more_than_its_own_reads(instance: Instance, place: Place) -> None:
    if instance.transport != "graphql":
        pytest.skip("REST nests nothing")
    await grow(place)
    dev = await place.org.editor.make("createEnvironment", projectId=place.project_id, key="dev", name="Dev")
    scope = {"environments": {"envs": [place.environment_id]}, "resources": ["payments.*"]}
    caller: Any = await instance.token(place.org, level="observer", **scope)
    answer = await caller.run(
        "query($id: ID!, $dev: ID!) { project(id: $id) { org { slug } "
        "environments { nodes { key flagStates { totalCount } } } "
        "flags { totalCount nodes { key states { environment { id } } state(environmentId: $dev) { id } } } } }",
        {"id": place.project_id, "dev": dev["id"]},
    )
    project = answer["data"]["project"]
    assert project["org"] is None
    assert project["environments"]["nodes"] == [{"key": "prod", "flagStates": {"totalCount": 2}}]
    assert project["flags"]["totalCount"] == 2
    for flag in project["flags"]["nodes"]:
        assert flag["state"] is None
        assert flag["states"] == [{"environment": {"id": place.environment_id}}]


async def test_a_node_is_null_where_a_get_would_be_refused(instance: Instance, place: Place) -> None:
    if instance.transport != "graphql":
        pytest.skip("REST has no node")
    state = await place.org.viewer.make("flagState", **place.banner)
    ids = {
        "Org": (await place.org.viewer.make("org", slug=place.org.slug))["id"],
        "Project": place.project_id,
        "Environment": place.environment_id,
        "Flag": state["primitiveId"],
        "FlagState": state["id"],
        "ApiKey": place.api_key["id"],
    }
    levels: list[dict[str, Any]] = [{"level": "client"}, {"level": "observer"}]
    scopes: list[dict[str, Any]] = [
        {},
        {"resources": ["payments.*"]},
        {"environments": {"envs": [place.environment_id]}},
    ]
    seen = {}
    for number, (level, scope) in enumerate(product(levels, scopes)):
        caller: Any = await instance.token(place.org, **level, **scope)
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
