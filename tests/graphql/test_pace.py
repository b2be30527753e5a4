"""A document stops where its answer becomes too long, and lets others run before that."""

import asyncio

import pytest

from app.graphql import limits
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask

FLAGS = """
    query ($id: ID!) {
      project(id: $id) {
        a: flags { nodes { key states { id viewerCan environment { key } } } }
        b: flags { nodes { key } }
      }
    }
"""
TOO_MUCH = f"The response has more than {limits.MAX_RESPONSE:,} objects, so the rest is null. Ask for smaller parts."


async def seed(instance: Instance, workspace: Workspace, flags: int) -> None:
    await instance.create_flags(workspace.org, workspace.project_id, [f"flag-{number}" for number in range(flags)])


async def test_beyond_the_limit_the_rest_is_null_and_that_is_said_once(
    instance: Instance, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed(instance, workspace, 50)
    client, variables = workspace.org.viewer.client, {"id": workspace.project_id}
    whole = (await ask(client, FLAGS, variables))["data"]["project"]
    monkeypatch.setattr(limits, "MAX_RESPONSE", 130)
    answer = await ask(client, FLAGS, variables)
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["fields"]) == ("invalid_request", {"query": TOO_MUCH})
    assert error["path"][0] == "project"
    project = answer["data"]["project"]
    assert len(whole["a"]["nodes"]) == len(project["a"]["nodes"]) == 52
    parts = [flag["states"] for flag in project["a"]["nodes"]]
    assert parts != [flag["states"] for flag in whole["a"]["nodes"]]
    for part, entire in zip(parts, whole["a"]["nodes"], strict=True):
        assert part is None or part[0]["id"] == entire["states"][0]["id"]


@pytest.mark.parametrize(
    "document",
    [
        "{ errorCatalog { code examples { rest } } }",
        '{ org(slug: "acme") { projects { nodes { flags { nodes { viewerCan } } } } } }',
        '{ org(slug: "acme") { projects { nodes { viewerCannot { code } } } } }',
        "{ orgs { nodes { a: viewerCannot { __typename } b: viewerCannot { __typename } } } }",
        '{ org(slug: "acme") { projects { nodes { flags { totalCount } } } } orgs { edges { node { slug } } } }',
        '{ org(slug: "acme") { projects { nodes { flags(first: 9) { nodes { states { rules { value } } } } } } } }',
    ],
)
async def test_whatever_makes_an_answer_long_is_counted(
    instance: Instance, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    rules = [{"value": True, "description": "x" * 1000}]
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, rules=rules)
    client = workspace.org.viewer.client
    assert "errors" not in await ask(client, document)
    monkeypatch.setattr(limits, "MAX_RESPONSE", 5)
    answer = await ask(client, document)
    assert [error["extensions"]["fields"] for error in answer["errors"]] == [{"query": TOO_MUCH}]


async def test_nothing_is_changed_once_the_answer_is_too_long(
    instance: Instance, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed(instance, workspace, 20)
    document = """
        mutation ($kill: KillFlagInput!, $restore: KillFlagInput!) {
          a: killFlag(input: $kill) { flagState { flag { project { flags { nodes { key } } } } } }
          b: killFlag(input: $restore) { flagState { killed } }
        }
    """
    monkeypatch.setattr(limits, "MAX_RESPONSE", 12)
    editor = workspace.org.editor
    variables = {"kill": workspace.checkout, "restore": workspace.banner}
    answer = await ask(editor.client, document, variables)
    assert answer["data"]["a"]["flagState"]["flag"]["project"]["flags"] is None
    assert answer["data"]["b"] is None
    assert (await editor.make("flagState", **workspace.checkout))["killed"]
    assert not (await editor.make("flagState", **workspace.banner))["killed"]


async def test_a_long_answer_lets_others_run(instance: Instance, workspace: Workspace) -> None:
    """The rounds of the event loop are counted, not the time that they take."""
    await seed(instance, workspace, 500)
    rounds = 0

    async def others() -> None:
        nonlocal rounds
        while True:
            await asyncio.sleep(0)
            rounds += 1

    client, variables = workspace.org.viewer.client, {"id": workspace.project_id}
    document = FLAGS.replace("flags {", "flags(first: 502) {")
    task = asyncio.create_task(others())
    answer = await ask(client, document, variables)
    task.cancel()
    assert len(answer["data"]["project"]["a"]["nodes"]) == 502
    assert rounds > 3 * 502 / 8  # flags, states and what these ask for, at most eight in a round


async def test_documents_take_turns(instance: Instance, workspace: Workspace) -> None:
    """A short document need not wait for a long one that came before it."""
    await seed(instance, workspace, 300)
    client, variables = workspace.org.viewer.client, {"id": workspace.project_id}
    long = asyncio.create_task(ask(client, FLAGS.replace("flags {", "flags(first: 302) {"), variables))
    await asyncio.sleep(0)
    short = asyncio.create_task(ask(client, "query ($id: ID!) { project(id: $id) { key } }", variables))
    done, _ = await asyncio.wait([long, short], return_when=asyncio.FIRST_COMPLETED)
    assert done == {short}
    await long
