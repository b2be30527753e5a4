"""Whoever writes rules sees which fields there are: those of the rules, and those of the traffic sample."""

from typing import Any

from app.jobs.traffic import write_chosen
from tests.clients import GraphQLApi
from tests.factories import Instance, Workspace


async def attributes(workspace: Workspace, caller: Any = None) -> dict[str, dict[str, Any]]:
    """By name."""
    caller = caller or workspace.org.viewer
    found = await caller.make("attributes", environmentId=workspace.environment_id)
    assert found["truncated"] is False
    assert found["version"] == await workspace.version()
    return {one.pop("name"): one for one in found["attributes"]}


def field(name: str, operator: str, operand: Any) -> dict[str, Any]:
    return {"field": name, operator: operand}


def known(types: list[str], values: list[Any], used: int = 1, sampled: int = 0) -> dict[str, Any]:
    return {"types": types, "values": values, "used": used, "sampled": sampled}


async def test_the_fields_of_rules_are_listed_with_what_they_are_compared_with(workspace: Workspace) -> None:
    assert await attributes(workspace) == {"userId": known([], [], used=0)}, "ids are taken from it"
    editor = workspace.org.editor
    nested = [field("age", "$gte", 18), {"$not": field("plan", "$in", ["pro", "team"])}]
    rules = [
        {"if": {"$or": nested}, "value": "a", "disabled": True},
        {"if": field("plan", "$equals", "x" * 101), "value": "b", "rolloutPercent": 5, "bucketBy": "company.id"},
        {"value": "c", "rolloutPercent": 50},
    ]
    await editor.make("updateFlagState", **workspace.banner, rules=rules)
    of_segment = [
        {"if": field("plan", "$equals", "free")},
        {"if": field("tags", "$containsAny", ["a", 1])},
        {"if": field("email", "$endsWith", "@acme.example")},
        {"if": field("beta", "$exists", True)},
    ]
    await editor.make("updateSegmentState", **workspace.staff, rules=of_segment, allowList=["u-1"])
    assert await attributes(workspace) == {
        "plan": known(["string"], ["pro", "team", "free"], used=2),
        "userId": known([], [], used=2),
        "age": known(["number"], []),
        "beta": known([], []),
        "company.id": known([], []),
        "email": known(["string"], []),
        "tags": known(["array"], ["a", 1]),
    }


async def test_a_change_is_seen_at_once_and_by_its_tag(instance: Instance, workspace: Workspace) -> None:
    address = f"/api/v1/envs/{workspace.environment_id}/attributes"
    client = workspace.org.viewer.client
    before = await client.get(address)
    tag = {"If-None-Match": before.headers["etag"]}
    assert (await client.get(address, headers=tag)).status_code == 304
    rules = [{"if": field("plan", "$equals", "pro"), "value": "a"}]
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=rules)
    assert "plan" in (await client.get(address, headers=tag)).text
    if instance.transport == "graphql":
        assert isinstance(workspace.org.viewer, GraphQLApi)
        nested = "query($id: ID!) { environment(id: $id) { attributes { attributes { name used } } } }"
        found = (await workspace.org.viewer.run(nested, {"id": workspace.environment_id}))["data"]["environment"]
        assert found["attributes"]["attributes"] == [{"name": "plan", "used": 1}, {"name": "userId", "used": 0}]


async def test_a_token_sees_the_fields_of_what_it_may_read(instance: Instance, workspace: Workspace) -> None:
    editor = workspace.org.editor
    ours, theirs = [field("plan", "$equals", "pro")], [field("plan", "$equals", "team"), field("secret", "$gt", 1)]
    await editor.make("updateFlagState", **workspace.banner, rules=[{"if": {"$and": ours}, "value": "a"}])
    await editor.make("updateSegmentState", **workspace.staff, rules=[{"if": {"$or": theirs}}], denyList=["u-1"])
    token = await instance.token(workspace.org, level="observer", resources=["flag:banner"])
    assert await attributes(workspace, token) == {
        "plan": known(["string"], ["pro"]),
        "userId": known([], [], used=0),
    }
    client = await instance.token(workspace.org, level="client")
    asked = {"environmentId": workspace.environment_id}
    assert (await client.do("attributes", **asked)).code == "token_action_denied"


async def test_what_was_sampled_adds_types_and_values(instance: Instance, workspace: Workspace) -> None:
    rules = [{"if": field("plan", "$equals", "pro"), "value": "a"}]
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=rules)
    admin, here = workspace.org.admin, {"environmentId": workspace.environment_id}
    await admin.make("setTrafficSample", **here, size=10, fields=["plan", "company", "tags", "n"])
    for context in (
        {"plan": "free", "company": {"size": 3, "": 1}, "tags": ["x", "y"], "hidden": "h"},
        {"plan": "free", "company": {"size": 4.5}, "n": None},
        {"plan": True, "company": {}, "tags": ["x"]},
    ):
        await workspace.org.viewer.make("evaluate", **here, context=context)
    await write_chosen(instance.node)
    found = await attributes(workspace)
    sizes = found["company.size"].pop("values")
    assert sorted(sizes) == [3, 4.5]
    assert found == {
        "plan": known(["boolean", "string"], ["pro", "free", True], sampled=3),
        "tags": known(["array"], ["x", "y"], used=0, sampled=2),
        "company.size": {"types": ["number"], "used": 0, "sampled": 2},
        "company": known(["object"], [], used=0, sampled=1),
        "n": known(["null"], [], used=0, sampled=1),
        "userId": known([], [], used=0),
    }
