"""Refusals in a document: each says where it happened, and none touches its neighbours or shows a cause."""

from typing import Any

import pytest
import structlog.testing

from app.access import batches
from app.graphql import documents
from app.services.primitives import Primitives
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask

EACH = """
    query ($project: ID!, $environment: ID!, $nowhere: ID!) {
      before: project(id: $project) { key }
      gone: environment(id: $nowhere) { key }
      bad: orgs(first: 0) { totalCount }
      deep: environment(id: $environment) { key flagStates(after: "x") { totalCount } project { key } }
      after: flagState(environmentId: $environment, key: "checkout") { killed }
    }
"""


def errors(answer: dict[str, Any]) -> dict[tuple[Any, ...], str]:
    """The codes by path."""
    return {tuple(error["path"]): error["extensions"]["code"] for error in answer["errors"]}


async def test_a_refused_field_leaves_its_neighbours_and_says_where_it_is(workspace: Workspace) -> None:
    variables = {
        "project": workspace.project_id,
        "environment": workspace.environment_id,
        "nowhere": workspace.project_id,
    }
    answer = await ask(workspace.org.viewer.client, EACH, variables)
    assert answer["data"] == {
        "before": {"key": "web"},
        "gone": None,
        "bad": None,
        "deep": {"key": "prod", "flagStates": None, "project": {"key": "web"}},
        "after": {"killed": False},
    }
    assert errors(answer) == {
        ("gone",): "not_found",
        ("bad",): "invalid_request",
        ("deep", "flagStates"): "invalid_request",
    }
    assert all(error["locations"] for error in answer["errors"])
    assert len({error["extensions"]["requestId"] for error in answer["errors"]}) == 1


async def test_a_refused_list_below_one_parent_is_refused_there_only(workspace: Workspace) -> None:
    document = '{ orgs { nodes { slug a: projects(after: "x") { totalCount } b: projects { totalCount } } } }'
    await workspace.org.viewer.make("createOrg", slug="second", name="Second")
    answer = await ask(workspace.org.viewer.client, document)
    assert [one["b"]["totalCount"] for one in answer["data"]["orgs"]["nodes"]] == [1, 0]
    assert errors(answer) == {("orgs", "nodes", n, "a"): "invalid_request" for n in (0, 1)}


@pytest.mark.raises_codes("internal", on="graphql")
async def test_what_breaks_in_a_field_is_told_to_the_log_only(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("the secret cause")

    monkeypatch.setattr(Primitives, "get_state", broken)
    monkeypatch.setattr(batches, "environments", broken)
    document = """
        query ($project: ID!, $environment: ID!) {
          whole: project(id: $project) { key }
          broken: flagState(environmentId: $environment, key: "checkout") { killed }
          below: environment(id: $environment) { key flagStates { nodes { key } } }
        }
    """.replace("nodes { key }", "nodes { id }")
    with structlog.testing.capture_logs() as logs:
        variables = {"project": workspace.project_id, "environment": workspace.environment_id}
        answer = await ask(workspace.org.viewer.client, document, variables)
    assert answer["data"] == {
        "whole": {"key": "web"},
        "broken": None,
        "below": {"key": "prod", "flagStates": None},
    }
    assert errors(answer) == {("broken",): "internal", ("below", "flagStates"): "internal"}
    assert "secret" not in repr(answer)
    reported = [line["exc_info"] for line in logs if line["log_level"] == "error"]
    assert [str(fault) for fault in reported] == ["the secret cause"] * 2


@pytest.mark.raises_codes("internal", on="graphql")
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_what_breaks_before_anything_is_run_is_internal_with_its_status(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("the secret cause")

    monkeypatch.setattr(documents, "_read", broken)
    with structlog.testing.capture_logs() as logs:
        response = await workspace.org.viewer.client.post(
            "/graphql", json={"query": "query Broken { __typename }"}, headers={"Accept": accept}
        )
    assert response.status_code == 500
    (error,) = response.json()["errors"]
    assert (error["extensions"]["code"], "data" in response.json()) == ("internal", False)
    assert "secret" not in response.text
    assert [str(line["exc_info"]) for line in logs if line["log_level"] == "error"] == ["the secret cause"]


async def test_a_state_out_of_a_tokens_reach_is_refused_as_over_rest(instance: Instance, workspace: Workspace) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    caller = await instance.token(workspace.org, environments={"envs": [workspace.environment_id]}, level="observer")
    document = """
        query ($project: ID!, $here: ID!, $there: ID!, $nowhere: ID!) {
          flags(projectId: $project) {
            nodes {
              key
              here: state(environmentId: $here) { killed }
              there: state(environmentId: $there) { killed }
              nowhere: state(environmentId: $nowhere) { killed }
            }
          }
        }
    """
    project = workspace.project_id
    variables = {"project": project, "here": workspace.environment_id, "there": dev["id"], "nowhere": project}
    answer = await ask(caller.client, document, variables)
    seen = {"here": {"killed": False}, "there": None, "nowhere": None}
    assert answer["data"]["flags"]["nodes"] == [{"key": key, **seen} for key in ("checkout", "banner")]
    at = ("flags", "nodes")
    codes = {"there": "token_env_out_of_scope", "nowhere": "not_found"}
    assert errors(answer) == {(*at, n, name): code for n in range(2) for name, code in codes.items()}
