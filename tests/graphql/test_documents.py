"""Documents of several fields: what is refused never hides what its neighbours did, and says where it stood."""

from typing import Any

import pytest

from tests.clients import Api, GraphQLApi
from tests.factories import Instance, Workspace

KILL = "killFlag(input: {environmentId: $environment, key: %s}) { flagState { killed version } }"


async def run(caller: Api, document: str, **variables: Any) -> dict[str, Any]:
    assert isinstance(caller, GraphQLApi)
    return await caller.run(document, variables)


async def test_mutations_run_in_order_each_in_its_own_transaction(instance: Instance, workspace: Workspace) -> None:
    answer = await run(
        workspace.org.editor,
        f"""mutation($environment: ID!) {{
            first: {KILL % '"banner"'}
            refused: {KILL % '"none"'}
            second: {KILL % '"checkout"'}
            back: restoreFlag(input: {{environmentId: $environment, key: "banner"}}) {{ flagState {{ version }} }}
        }}""",
        environment=workspace.environment_id,
    )
    assert answer["data"] == {
        "first": {"flagState": {"killed": True, "version": 3}},
        "refused": None,
        "second": {"flagState": {"killed": True, "version": 4}},
        "back": {"flagState": {"version": 5}},
    }
    (error,) = answer["errors"]
    assert error["path"] == ["refused"]
    assert error["locations"] == [{"line": 3, "column": 13}]
    assert (error["extensions"]["code"], error["extensions"]["status"]) == ("not_found", 404)
    assert error["extensions"]["requestId"].startswith("req_")
    assert await workspace.version() == 5
    assert [event.action for event in (await instance.audited())[-3:]] == ["kill", "kill", "restore"]


async def test_a_refused_query_field_leaves_its_neighbours(workspace: Workspace) -> None:
    answer = await run(
        workspace.org.viewer,
        """query($project: ID!) {
            project(id: $project) { name }
            gone: org(slug: "gone") { name }
            here: org(slug: "acme") {
                projects(first: 1) { nodes { key } }
                refused: projects(first: 0) { nodes { key } }
            }
        }""",
        project=workspace.project_id,
    )
    assert answer["data"] == {
        "project": {"name": "Web"},
        "gone": None,
        "here": {"projects": {"nodes": [{"key": "web"}]}, "refused": None},
    }
    found = {tuple(error["path"]): error["extensions"] for error in answer["errors"]}
    assert found[("gone",)]["code"] == "not_found"
    assert found[("here", "refused")]["code"] == "invalid_request"
    assert set(found[("here", "refused")]["fields"]) == {"first"}


async def test_a_mutations_payload_reads_what_it_wrote(workspace: Workspace) -> None:
    answer = await run(
        workspace.org.editor,
        """mutation($input: CreateFlagInput!) { createFlag(input: $input) { flag {
            states { version environment { key version } flag { key } }
            project { flags { totalCount } org { slug } }
        } } }""",
        input={"projectId": workspace.project_id, "key": "new", "type": "BOOLEAN", "defaultValue": True},
    )
    assert answer == {
        "data": {
            "createFlag": {
                "flag": {
                    "states": [{"version": 3, "environment": {"key": "prod", "version": 3}, "flag": {"key": "new"}}],
                    "project": {"flags": {"totalCount": 3}, "org": {"slug": "acme"}},
                }
            }
        }
    }


async def test_claiming_and_going_on_in_one_document(instance: Instance) -> None:
    answer = await run(
        instance.anonymous(),
        """mutation { installClaim(input: {email: "a@b.example", orgName: "Acme", orgSlug: "acme",
                                           claimCode: "claim-code-of-the-tests"}) { me { email } }
             createProject(input: {orgSlug: "acme", key: "web", name: "Web"}) { project { key } }
             logout { signedOut }
             again: createProject(input: {orgSlug: "acme", key: "app", name: "App"}) { project { key } } }""",
    )
    assert answer["data"] == {
        "installClaim": {"me": {"email": "a@b.example"}},
        "createProject": {"project": {"key": "web"}},
        "logout": {"signedOut": True},
        "again": None,
    }
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["unauthorized"]


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ me { ", {}),
        ("{ nothing }", {}),
        ("{ me { nothing } }", {}),
        ("{ me }", {}),
        ('{ org(slug: "acme", colour: 1) { name } }', {}),
        ("{ org(slug: 5) { name } }", {}),
        ("{ org { name } }", {}),
        ("query($slug: String!) { org(slug: $slug) { name } }", {}),
        ("query($slug: String!) { org(slug: $slug) { name } }", {"slug": 5}),
        ("query($slug: String!) { org(slug: $slug) { name } }", {"slug": None}),
        ("query($slug: Nothing) { org(slug: $slug) { name } }", {"slug": "acme"}),
        ("{ org(slug: $slug) { name } }", {}),
        ("mutation($i: CreateFlagInput!) { createFlag(input: $i) { flag { id } } }", {"i": {"colour": 1}}),
        ('mutation { updateOrg(input: {slug: "acme", name: ["x"]}) { org { id } } }', {}),
        ("{ ...F } fragment F on Query { ...F }", {}),
        ("", {}),
    ],
)
@pytest.mark.raises_codes("invalid_request", on="graphql")
async def test_what_graphql_itself_refuses_is_invalid_and_does_nothing(
    instance: Instance, workspace: Workspace, document: str, variables: dict[str, Any]
) -> None:
    async with instance.unchanged():
        answer = await run(workspace.org.owner, document, **variables)
        assert answer.get("data") is None
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"invalid_request"}
        assert {error["extensions"]["status"] for error in answer["errors"]} == {400}
        assert all(error["message"] for error in answer["errors"])


async def test_the_same_fault_has_the_same_paths_below_the_input(workspace: Workspace) -> None:
    answer = await run(
        workspace.org.editor,
        """mutation($input: CreateFlagInput!) { createFlag(input: $input) { flag { id } } }""",
        input={"projectId": workspace.project_id, "key": "A B", "type": "BOOLEAN", "defaultValue": "x"},
    )
    assert set(answer["errors"][0]["extensions"]["fields"]) == {"key", "defaultValue"}


@pytest.mark.parametrize(
    ("declared", "value", "variables"), [("", '"x"', {}), (", $v: JSON", "$v", {"v": "x"})], ids=["literal", "variable"]
)
async def test_a_json_value_is_the_same_in_the_document_and_in_a_variable(
    workspace: Workspace, declared: str, value: str, variables: dict[str, Any]
) -> None:
    answer = await run(
        workspace.org.editor,
        f"""mutation($e: ID!{declared}) {{
            updateFlagState(input: {{environmentId: $e, key: "banner", defaultValue: {value}}}) {{
                flagState {{ defaultValue }}
            }}
        }}""",
        e=workspace.environment_id,
        **variables,
    )
    assert answer == {"data": {"updateFlagState": {"flagState": {"defaultValue": "x"}}}}
