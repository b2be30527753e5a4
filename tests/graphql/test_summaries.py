"""The cells of a list: what each flag comes to in each environment, without rules, in one query of the database."""

from typing import Any

import pytest

from tests.clients import GraphQLApi
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask
from tests.graphql.statements import statements

CELLS = """
    query ($project: ID!, $environments: [ID!]) {
      project(id: $project) {
        flags(first: 100) { nodes { key summaries(environmentIds: $environments) { environmentId text } } }
      }
    }
"""


@pytest.fixture
async def dev(workspace: Workspace) -> str:
    """Another environment, in which the flags are as they were made."""
    made = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
    return str(made["id"])


async def cells(caller: Any, workspace: Workspace, environments: list[str] | None = None) -> dict[str, Any]:
    """By key, the summaries of each flag; None where they are refused."""
    answer = await ask(caller.client, CELLS, {"project": workspace.project_id, "environments": environments})
    if "errors" in answer:
        return {"code": answer["errors"][0]["extensions"]["code"]}
    return {one["key"]: one["summaries"] for one in answer["data"]["project"]["flags"]["nodes"]}


async def test_of_all_environments_in_their_order(workspace: Workspace, dev: str) -> None:
    prod = workspace.environment_id
    assert await cells(workspace.org.viewer, workspace) == {
        "checkout": [
            {"environmentId": prod, "text": "Off for everyone."},
            {"environmentId": dev, "text": "On for everyone."},
        ],
        "banner": [
            {"environmentId": prod, "text": '"hello" for everyone.'},
            {"environmentId": dev, "text": '"hello" for everyone.'},
        ],
    }


async def test_of_those_asked_for_by_id_or_name_in_the_order_asked(workspace: Workspace, dev: str) -> None:
    prod = workspace.environment_id
    for asked, expected in (
        ([], []),
        ([dev], [dev]),
        ([dev.upper(), "acme:web:prod", dev.upper()], [dev, prod]),
    ):
        found = await cells(workspace.org.viewer, workspace, asked)
        assert [one["environmentId"] for one in found["checkout"]] == expected


async def test_a_token_sees_those_of_its_environments(instance: Instance, workspace: Workspace, dev: str) -> None:
    token = await instance.token(workspace.org, level="observer", environments={"envs": [dev]})
    found = await cells(token, workspace)
    assert [one["environmentId"] for one in found["banner"]] == [dev]


@pytest.mark.raises_codes("token_env_out_of_scope", "not_found", on="graphql")
async def test_what_may_not_be_seen_is_refused(instance: Instance, workspace: Workspace, dev: str) -> None:
    token = await instance.token(workspace.org, level="observer", environments={"envs": [dev]})
    assert await cells(token, workspace, [dev, workspace.environment_id]) == {"code": "token_env_out_of_scope"}
    other = await instance.workspace(workspace.org, "other")
    for unknown in ("nothing", workspace.project_id, other.environment_id):
        assert await cells(workspace.org.viewer, workspace, [dev, unknown]) == {"code": "not_found"}, unknown


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_a_hundred_flags_take_as_many_statements_as_two(
    instance: Instance, workspace: Workspace, dev: str
) -> None:
    viewer, run = workspace.org.viewer, list[int]()
    for more in (0, 97):
        await instance.create_flags(workspace.org, workspace.project_id, [f"flag-{n}" for n in range(more)])
        await ask(viewer.client, "{ __typename }")  # after which the session is known
        with statements() as made:
            found = await cells(viewer, workspace, [dev, "acme:web:prod"])
        assert all(len(summaries) == 2 for summaries in found.values())
        run.append(len(made))
    assert len(found) == 99
    assert run[0] == run[1]


async def test_the_answer_to_a_write_shows_them_as_they_are_now(instance: Instance, workspace: Workspace) -> None:
    api = GraphQLApi(workspace.org.editor.client)
    document = """mutation ($input: UpdateFlagStateInput!) {
      updateFlagState(input: $input) { flagState { summary { text } flag { summaries { text } } } }
    }"""
    answer = await api.run(document, {"input": {**workspace.checkout, "defaultValue": False}})
    off = {"text": "Off for everyone."}
    assert answer["data"]["updateFlagState"]["flagState"] == {"summary": off, "flag": {"summaries": [off]}}


async def test_configs_and_segments_have_them_too(workspace: Workspace) -> None:
    document = """query ($project: ID!) {
      project(id: $project) {
        configs { nodes { summaries { kind rules text } } }
        segments { nodes { summaries { kind rules text } } }
      }
    }"""
    answer = await ask(workspace.org.viewer.client, document, {"project": workspace.project_id})
    limits = {"kind": "VALUE", "rules": 0, "text": '{"a":1} for everyone.'}
    staff = {"kind": "OFF", "rules": 0, "text": "Nobody."}
    assert answer["data"]["project"] == {
        "configs": {"nodes": [{"summaries": [limits]}]},
        "segments": {"nodes": [{"summaries": [staff]}]},
    }
