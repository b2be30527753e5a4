"""However much a document nests, the database is asked a constant number of times."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace
from tests.graphql.asking import ask
from tests.graphql.statements import statements

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])

NESTED = """
    query ($flags: Int = 100) {
      org(slug: "acme") {
        projects(first: 10) {
          nodes {
            key
            environments(first: 10) {
              nodes {
                key
                flagStates(first: $flags) {
                  nodes { defaultValue rules { name } killed version flag { key project { key } } environment { key } }
                }
              }
            }
          }
        }
      }
    }
"""


async def seed(instance: Instance, workspace: Workspace, *, projects: int, environments: int, flags: int) -> None:
    """More of everything, in every project."""
    editor = workspace.org.editor
    for n in range(projects - 1):
        await editor.make("createProject", orgSlug="acme", key=f"project-{n}", name="One more")
    for project in await editor.make("projects", orgSlug="acme"):
        for n in range(environments):
            await editor.make("createEnvironment", projectId=project["id"], key=f"environment-{n}", name="One more")
        await instance.create_flags(workspace.org, project["id"], [f"flag-{n}" for n in range(flags)])


async def asked(workspace: Workspace, document: str, **variables: Any) -> tuple[int, dict[str, Any]]:
    """How many statements the document runs, and its data."""
    client = workspace.org.viewer.client
    await ask(client, "{ __typename }")  # after which the session is known
    with statements() as run:
        answer = await ask(client, document, variables)
    assert "errors" not in answer, answer
    return len(run), answer["data"]


async def test_organisation_projects_environments_and_a_hundred_flags_take_a_few_statements(
    instance: Instance, workspace: Workspace
) -> None:
    """One for the organisation, two for each list (who may see it, what is in it), and one for each kind of parent."""
    few, data = await asked(workspace, NESTED)
    assert len(data["org"]["projects"]["nodes"]) == 1
    await seed(instance, workspace, projects=3, environments=2, flags=98)
    many, data = await asked(workspace, NESTED)
    found = [
        state
        for project in data["org"]["projects"]["nodes"]
        for environment in project["environments"]["nodes"]
        for state in environment["flagStates"]["nodes"]
    ]
    assert len(found) == 3 * 100 + 2 * 2 * 98
    assert {state["environment"]["key"] for state in found} == {"prod", "environment-0", "environment-1"}
    assert few == many == 9


WAYS = (
    ("{ orgs { nodes { projects { nodes { org { slug } } } } } }", 4),
    (
        '{ org(slug: "acme") { projects { nodes { flags(first: 9) { nodes { states { id environment { id } } } '
        "} } } } }",
        7,
    ),
    ('{ org(slug: "acme") { projects { totalCount nodes { flags { totalCount } } } } }', 7),
    (
        '{ org(slug: "acme") { projects(first: 9) { nodes { a: flags(first: 1) { nodes { key } } b: flags(last: 1) '
        "{ nodes { key } } environments { totalCount nodes { project { key } } } } } } }",
        11,
    ),
    ("{ orgs { nodes { projects(first: 9) { nodes { environments { nodes { spotChecks { contexts } } } } } } } }", 7),
    ("{ orgs { nodes { projects(first: 9) { nodes { environments { nodes { trafficSample { size } } } } } } } }", 7),
)


async def test_each_way_through_the_graph_is_batched(instance: Instance, workspace: Workspace) -> None:
    few = [(await asked(workspace, document))[0] for document, _ in WAYS]
    await seed(instance, workspace, projects=2, environments=2, flags=3)
    many = [(await asked(workspace, document))[0] for document, _ in WAYS]
    assert few == many == [expected for _, expected in WAYS]


ABILITIES = """{ org(slug: "acme") { CAN projects(first: 9) { nodes { CAN environments(first: 9) { nodes { CAN
    flagStates(first: 99) { nodes { CAN flag { CAN } } } } } } } } }"""


async def test_what_one_can_and_cannot_do_is_looked_up_once(instance: Instance, workspace: Workspace) -> None:
    both = "viewerCan viewerCannot { action who }"
    few, _ = await asked(workspace, ABILITIES.replace("CAN", "viewerCan"))
    assert (await asked(workspace, ABILITIES.replace("CAN", both)))[0] == few
    await seed(instance, workspace, projects=3, environments=2, flags=20)
    can, _ = await asked(workspace, ABILITIES.replace("CAN", "viewerCan"))
    many, data = await asked(workspace, ABILITIES.replace("CAN", both))
    assert few == many == can
    projects = data["org"]["projects"]["nodes"]
    states = [
        one for project in projects for at in project["environments"]["nodes"] for one in at["flagStates"]["nodes"]
    ]
    assert len(states) > 100
    for state in states:
        assert state["viewerCan"] == ["READ_STATE"]
        assert [one["action"] for one in state["viewerCannot"]] == [
            "UPDATE_STATE",
            "KILL",
            "RESTORE",
            "PROMOTE",
            "PROPOSE",
        ]
        assert [one["action"] for one in state["flag"]["viewerCannot"]] == ["UPDATE_PRIMITIVE", "DELETE_PRIMITIVE"]


async def test_two_parts_of_one_list_are_two_parts(workspace: Workspace) -> None:
    document = """
        query ($id: ID!) {
          project(id: $id) {
            a: flags(first: 1) { nodes { key } }
            b: flags(last: 1) { nodes { key } }
            c: flags(first: 1) { nodes { key } totalCount }
            d: flags(type: BOOLEAN) { nodes { key } }
            e: flags(first: 1) { nodes { key } }
          }
        }
    """
    _, data = await asked(workspace, document, id=workspace.project_id)
    keys = {name: [node["key"] for node in found["nodes"]] for name, found in data["project"].items()}
    assert keys == {"a": ["checkout"], "b": ["banner"], "c": ["checkout"], "d": ["checkout"], "e": ["checkout"]}
    assert data["project"]["c"]["totalCount"] == 2


async def test_what_a_mutation_changed_is_what_a_later_field_shows(workspace: Workspace) -> None:
    document = """
        mutation ($kill: KillFlagInput!, $restore: RestoreFlagInput!) {
          a: killFlag(input: $kill) { flagState { flag { states { killed environment { version } } } } }
          b: restoreFlag(input: $restore) { flagState { flag { states { killed environment { version } } } } }
        }
    """
    answer = await ask(
        workspace.org.editor.client, document, {"kill": workspace.checkout, "restore": workspace.checkout}
    )
    version = workspace.environment["version"]
    for name, killed, expected in (("a", True, version + 1), ("b", False, version + 2)):
        (state,) = answer["data"][name]["flagState"]["flag"]["states"]
        assert state == {"killed": killed, "environment": {"version": expected}}


@pytest.mark.parametrize("whose", ["another organisation's", "another project's"])
async def test_a_state_that_is_refused_to_many_flags_is_refused_at_once(
    instance: Instance, workspace: Workspace, whose: str
) -> None:
    org = await instance.org("other") if whose == "another organisation's" else workspace.org
    elsewhere = await instance.workspace(org, key="app")
    document = (
        "query ($flags: ID!, $at: ID!) { project(id: $flags) { flags { nodes { state(environmentId: $at) { id } } } } }"
    )
    variables = {"flags": workspace.project_id, "at": elsewhere.environment_id}
    counts, client = [], workspace.org.viewer.client
    for more in (0, 98):
        await instance.create_flags(workspace.org, workspace.project_id, [f"flag-{n}" for n in range(more)])
        await ask(client, "{ __typename }")  # after which the session is known
        with statements() as run:
            answer = await ask(client, document, variables)
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"not_found"}
        assert len(answer["errors"]) == len(answer["data"]["project"]["flags"]["nodes"]) == more + 2
        counts.append(len(run))
    assert counts[0] == counts[1]
