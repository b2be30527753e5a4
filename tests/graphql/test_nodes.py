"""`node`: any id, for those who may see what has it."""

import asyncio
from typing import Any

import pytest

from tests.clients import Api, GraphQLApi
from tests.factories import Instance, Workspace
from tests.graphql.statements import statements

NODE = "query($id: ID!) { node(id: $id) { __typename id } }"


async def node(caller: Api, id: str) -> Any:
    assert isinstance(caller, GraphQLApi)
    answer = await caller.run(NODE, {"id": id})
    assert "errors" not in answer
    return answer["data"]["node"]


async def ids(workspace: Workspace) -> dict[str, str]:
    viewer = workspace.org.viewer
    state = await viewer.make("flagState", **workspace.banner)
    return {
        "Org": (await viewer.make("org", slug=workspace.org.slug))["id"],
        "Project": workspace.project_id,
        "Environment": workspace.environment_id,
        "Flag": state["primitiveId"],
        "FlagState": state["id"],
    }


async def test_every_type_is_found_by_its_id(workspace: Workspace) -> None:
    for name, one in (await ids(workspace)).items():
        assert await node(workspace.org.viewer, one) == {"__typename": name, "id": one}


async def test_whatever_the_type_a_node_takes_two_statements(workspace: Workspace) -> None:
    for name, one in (await ids(workspace)).items():
        await node(workspace.org.viewer, "")  # after which the session is known
        with statements() as run:
            await node(workspace.org.viewer, one)
        assert len(run) == 2, name


async def test_a_stranger_finds_null(instance: Instance, workspace: Workspace) -> None:
    stranger = (await instance.org("strangers")).owner
    for name, one in (await ids(workspace)).items():
        assert await node(stranger, one) is None, name


@pytest.mark.parametrize("id", ["019a0c5e-ff9e-7085-9cff-6fe9935ce1c9", "", "x", "\u0000", "RmxhZzox"])
async def test_an_id_that_names_nothing_is_null(workspace: Workspace, id: str) -> None:
    assert await node(workspace.org.viewer, id) is None


async def test_a_deleted_flag_is_null_and_so_are_its_states(workspace: Workspace) -> None:
    before = await ids(workspace)
    await workspace.org.editor.make("deleteFlag", projectId=workspace.project_id, key="banner")
    assert await node(workspace.org.viewer, before["Flag"]) is None
    assert await node(workspace.org.viewer, before["FlagState"]) is None


async def test_nobody_is_told_to_sign_in(instance: Instance, workspace: Workspace) -> None:
    caller = instance.anonymous()
    assert isinstance(caller, GraphQLApi)
    answer = await caller.run(NODE, {"id": workspace.project_id})
    assert answer["data"] == {"node": None}
    assert answer["errors"][0]["extensions"]["code"] == "unauthorized"


async def test_a_nested_query_works_on_a_cold_pool_and_with_many_at_once(workspace: Workspace) -> None:
    document = """query($project: ID!, $environment: ID!) {
        orgs(first: 2) { nodes { projects(first: 2) { nodes { environments(first: 2) { nodes {
            flagStates { nodes { flag { key } } }
        } } } } } }
        project(id: $project) { org { slug } flags(first: 2) { nodes { states { environment { key } } } } }
        environment(id: $environment) { project { org { slug } } }
        a: node(id: $project) { id } b: node(id: $environment) { id } me { email }
    }"""
    caller = workspace.org.viewer
    assert isinstance(caller, GraphQLApi)
    variables = {"project": workspace.project_id, "environment": workspace.environment_id}
    answers = await asyncio.gather(*(caller.run(document, variables) for _ in range(10)))
    assert answers == [answers[0]] * 10
    assert "errors" not in answers[0]
    (org,) = answers[0]["data"]["orgs"]["nodes"]
    states = org["projects"]["nodes"][0]["environments"]["nodes"][0]["flagStates"]["nodes"]
    assert [state["flag"]["key"] for state in states] == ["checkout", "banner"]
    assert answers[0]["data"]["environment"] == {"project": {"org": {"slug": "acme"}}}
