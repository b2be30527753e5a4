"""Lists of flags, configs and segments together, for pages that show everything."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace
from tests.graphql.asking import ask
from tests.graphql.statements import statements

IDENTITIES = """query ($id: ID!, $kinds: [PrimitiveKind!], $search: String, $first: Int, $after: String) {
    primitives(projectId: $id, kinds: $kinds, search: $search, sort: KEY, first: $first, after: $after) {
        totalCount pageInfo { endCursor hasNextPage }
        nodes { __typename key name viewerCan project { key } ... on Flag { type } ... on Config { jsonSchema } } } }"""
STATES = """query ($id: ID!, $kinds: [PrimitiveKind!], $state: Standing) {
    environment(id: $id) { states(kinds: $kinds, state: $state, sort: KEY) { totalCount nodes {
        __typename version summary { text } primitive { key } rules { if }
        ... on FlagState { killed defaultValue } ... on SegmentState { allowListSize allowList { nodes } } } } } }"""
ALL = [("Flag", "banner"), ("Flag", "checkout"), ("Config", "limits"), ("Segment", "staff")]


pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


async def identities(client: Any, project_id: str, **asked: Any) -> list[tuple[str, str]]:
    answer = await ask(client, IDENTITIES, {"id": project_id, **asked})
    assert "errors" not in answer, answer["errors"]
    return [(node["__typename"], node["key"]) for node in answer["data"]["primitives"]["nodes"]]


async def states(client: Any, environment_id: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await ask(client, STATES, {"id": environment_id, **asked})
    assert "errors" not in answer, answer["errors"]
    return list(answer["data"]["environment"]["states"]["nodes"])


async def test_identities_of_all_kinds_are_one_list(workspace: Workspace) -> None:
    client, project = workspace.org.viewer.client, workspace.project_id
    assert await identities(client, project) == ALL
    assert await identities(client, project, kinds=["SEGMENT", "CONFIG"]) == ALL[2:]
    assert await identities(client, project, kinds=[]) == []
    assert await identities(client, project, search="ST") == ALL[3:]
    found, cursor = [], None
    for _ in ALL:
        answer = (await ask(client, IDENTITIES, {"id": project, "first": 1, "after": cursor}))["data"]["primitives"]
        assert answer["totalCount"] == len(ALL)
        found += [(node["__typename"], node["key"]) for node in answer["nodes"]]
        cursor = answer["pageInfo"]["endCursor"]
    assert found == ALL
    answer = await ask(client, IDENTITIES, {"id": project, "kinds": ["FLAG"], "after": cursor})
    assert answer["errors"][0]["extensions"]["fields"] == {
        "after": "Is not a valid cursor of this list with this filter."
    }


async def test_states_of_all_kinds_are_one_list(workspace: Workspace) -> None:
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    await workspace.org.editor.make("updateAllowList", **workspace.staff, add=["u-1"])
    client, environment = workspace.org.viewer.client, workspace.environment_id
    found = await states(client, environment)
    assert [one["primitive"]["key"] for one in found] == [key for _, key in ALL]
    assert [one["__typename"] for one in found] == [f"{kind}State" for kind, _ in ALL]
    assert (found[1]["killed"], found[3]["allowListSize"]) == (True, 1)
    assert found[3]["allowList"] == {"nodes": ["u-1"]}
    assert all(one["summary"]["text"] for one in found)
    assert [one["primitive"]["key"] for one in await states(client, environment, kinds=["CONFIG"])] == ["limits"]
    assert [one["primitive"]["key"] for one in await states(client, environment, state="KILLED")] == ["checkout"]


async def test_a_token_sees_what_it_may_read_of_each_kind(instance: Instance, workspace: Workspace) -> None:
    token = await instance.token(
        workspace.org, level="observer", resources=["flag:ban.*", "config:*", "check.*", "staff"]
    )
    assert await identities(token.client, workspace.project_id) == ALL[2:]
    found = await states(token.client, workspace.environment_id)
    assert [one["primitive"]["key"] for one in found] == ["limits", "staff"]


@pytest.mark.parametrize("transport", ["graphql"], indirect=False)
async def test_the_number_of_statements_stays_the_same(
    instance: Instance, workspace: Workspace, transport: str
) -> None:
    """Organisations, projects, environments, and the states of each kind with what they are made of."""
    assert transport
    document = """{ org(slug: "acme") { projects(first: 2) { nodes { environments(first: 2) { nodes {
        states(first: 300) { nodes {
            viewerCan primitive { key viewerCan } ... on SegmentState { allowList(first: 3) { nodes } } } }
        flagStates { nodes { killed } } configStates { nodes { version } } segmentStates { nodes { version } }
    } } } } } }"""
    client, counts = workspace.org.viewer.client, []
    for more in (0, 40):
        for n in range(more // 4):
            named = {"projectId": workspace.project_id, "key": f"new-{n}"}
            await workspace.org.editor.make("createSegment", **named, allowList=["a"])
            await workspace.org.editor.make("createConfig", **named, type="number", defaultValue=n)
        await instance.create_flags(workspace.org, workspace.project_id, [f"flag-{n}" for n in range(more)])
        await ask(client, "{ __typename }")
        with statements() as run:
            answer = await ask(client, document, {})
        assert "errors" not in answer
        counts.append(len(run))
    assert counts[0] == counts[1]
