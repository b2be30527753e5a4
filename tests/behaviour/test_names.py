"""Names for ids: `acme:web` and `acme:web:prod` do wherever a project's or an environment's id is asked for."""

from typing import Any

import pytest

from app.domain.ids import lowered
from tests.behaviour.test_roles import CALLS, READS, Arguments
from tests.factories import Instance, Workspace
from tests.graphql.statements import statements

PROJECT, ENVIRONMENT = "acme:web", "acme:web:prod"
TOKEN = {"name": "new", "level": "client", "resources": ["*"]}
NESTED: dict[str, tuple[str, Arguments]] = {
    "createApiKey of projects": (
        "createApiKey",
        lambda workspace: {
            **TOKEN,
            "orgSlug": workspace.org.slug,
            "environments": {"projects": [workspace.project_id, workspace.project_id.upper()]},
        },
    ),
    "createEnvironment as a copy": (
        "createEnvironment",
        lambda workspace: {
            "projectId": workspace.project_id,
            "key": "new",
            "name": "New",
            "copyFromEnvId": workspace.environment_id,
        },
    ),
    "createProposal of a delete": (
        "createProposal",
        lambda workspace: {
            "projectId": workspace.project_id,
            "kind": "delete_flag",
            "resourceKey": "checkout",
            "diff": {},
        },
    ),
    "environment by key": (
        "environment",
        lambda workspace: {"environmentId": workspace.environment_id},
    ),
}
NAMING = {operation: (operation, arguments) for operation, arguments in CALLS.items()} | NESTED
WITH_IDS = [
    "project",
    "environments",
    "environment",
    "flags",
    "flag",
    "flagStates",
    "flagState",
    *(f"{kind}{what}" for kind in ("config", "segment") for what in ("", "s", "State", "States", "References")),
    *("flagReferences", "allowList", "denyList", "flagHistory", "configHistory", "segmentHistory"),
    *("ruleset", "usage", "createStreamTicket"),
    "evaluate",
    "preview",
    "history",
    *("updateProject", "deleteProject", "createEnvironment", "updateEnvironment", "deleteEnvironment"),
    *("spotChecks", "setSpotChecks", "environmentDiff"),
    *("attributes", "trafficSample", "setTrafficSample", "deleteTrafficSample"),
    *("projectProposals", "environmentProposals", "createProposal"),
    *("createFlag", "updateFlag", "deleteFlag", "replaceFlagState", "updateFlagState", "killFlag", "restoreFlag"),
    *(
        f"{verb}{kind}{what}"
        for kind in ("Config", "Segment")
        for verb, what in (
            ("create", ""),
            ("update", ""),
            ("delete", ""),
            ("replace", "State"),
            ("update", "State"),
        )
    ),
    *("updateAllowList", "updateDenyList", "promote", "promoteFlag", "promoteConfig", "promoteSegment"),
    *("createApiKey", *NESTED),
]


def replaced(value: Any, names: dict[str, str]) -> Any:
    """The arguments with what is called otherwise, however deep it stands."""
    if isinstance(value, dict):
        return {name: replaced(one, names) for name, one in value.items()}
    if isinstance(value, list):
        return [replaced(one, names) for one in value]
    return names.get(lowered(value), value) if isinstance(value, str) else value


def names_of(workspace: Workspace, org: str = "acme") -> dict[str, str]:
    return {
        workspace.project_id: PROJECT.replace("acme", org),
        workspace.environment_id: ENVIRONMENT.replace("acme", org),
    }


async def test_every_call_with_such_an_id_is_tried(workspace: Workspace) -> None:
    names = names_of(workspace)
    asking = [call for call, (_, given) in NAMING.items() if replaced(given(workspace), names) != given(workspace)]
    assert set(asking) == set(WITH_IDS)


@pytest.mark.parametrize("operation", [operation for operation in WITH_IDS if operation in READS])
async def test_a_name_and_an_id_in_capitals_read_the_same(workspace: Workspace, operation: str) -> None:
    arguments, names = READS[operation](workspace), names_of(workspace)
    capitals = {one: one.upper() for one in names}
    by_id, by_name, by_capitals = [
        await workspace.org.viewer.do(operation, **given)
        for given in (arguments, replaced(arguments, names), replaced(arguments, capitals))
    ]
    assert by_id.unwrap() == by_name.unwrap() == by_capitals.unwrap()
    assert by_id.etag == by_name.etag == by_capitals.etag


@pytest.mark.parametrize("call", [call for call in WITH_IDS if call not in READS])
async def test_a_write_by_name_is_kept_by_id(instance: Instance, workspace: Workspace, call: str) -> None:
    operation, arguments = NAMING[call]
    names = names_of(workspace)
    (await workspace.org.owner.do(operation, **replaced(arguments(workspace), names))).unwrap()
    kept = repr(await instance.rows())
    assert PROJECT not in kept
    assert workspace.environment_id.upper() not in kept


async def session_of_a_stranger(instance: Instance, _: Workspace) -> str:
    return str((await instance.org("strangers")).owner.client.cookies["signalbox_session"])


@pytest.mark.parametrize("call", WITH_IDS)
@pytest.mark.filled(by=session_of_a_stranger)
@pytest.mark.raises_codes("not_found")
async def test_another_tenants_name_is_as_one_that_does_not_exist(
    instance: Instance, workspace: Workspace, found: str, call: str
) -> None:
    stranger = instance.anonymous(found)
    operation, arguments = NAMING[call]
    async with instance.unchanged():
        theirs, none = [
            await stranger.do(operation, **replaced(arguments(workspace) | _own_org(arguments(workspace)), names))
            for names in (names_of(workspace), names_of(workspace, "nobody"))
        ]
        assert (theirs.code, theirs.status, theirs.fields) == ("not_found", 404, {})
        assert theirs.message == none.message


def _own_org(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"orgSlug": "strangers"} if "orgSlug" in arguments else {}


@pytest.mark.parametrize(
    ("wrong", "hinted"),
    [
        ("web", True),
        ("acme", True),
        ("acme:", True),
        ("acme:web:prod:x", True),
        ("ACME:web", True),
        ("acme:none", False),
        ("01a22be9-0000-7000-8000-000000000000", False),
    ],
)
@pytest.mark.raises_codes("not_found")
async def test_what_is_neither_an_id_nor_a_name_is_told_so(workspace: Workspace, wrong: str, hinted: bool) -> None:
    reply = await workspace.org.viewer.do("project", projectId=wrong)
    assert (reply.code, reply.message.startswith("There is no such project.")) == ("not_found", True)
    assert ("its id or its name, such as acme:web" in reply.message) is hinted


@pytest.mark.raises_codes("token_env_out_of_scope", "not_found")
async def test_a_name_reaches_no_further_than_the_id(instance: Instance, workspace: Workspace) -> None:
    other = await workspace.org.owner.make("createEnvironment", projectId=PROJECT, key="staging", name="Staging")
    token = await instance.token(workspace.org, environments={"envs": ["acme:web:staging"]})
    for called in (ENVIRONMENT, workspace.environment_id):
        reply = await token.do("killFlag", environmentId=called, key="checkout")
        assert reply.code == "token_env_out_of_scope"
    (await token.do("killFlag", environmentId=other["id"], key="checkout")).unwrap()
    elsewhere = await workspace.org.owner.make("createProject", orgSlug="acme", key="app", name="App")
    copy = {"projectId": elsewhere["id"], "key": "copy", "name": "Copy"}
    reply = await workspace.org.owner.do("createEnvironment", **copy, copyFromEnvId=ENVIRONMENT)
    assert (reply.code, reply.message) == ("not_found", "There is no such environment in this project.")


async def test_a_name_costs_as_many_statements_as_an_id(workspace: Workspace) -> None:
    for operation in ("evaluate", "flagState", "flag", "environments", "createApiKey"):
        counts = []
        for names in ({}, names_of(workspace)):
            arguments = replaced(CALLS[operation](workspace), names)
            await workspace.org.owner.make(operation, **arguments)
            with statements() as run:
                await workspace.org.owner.make(operation, **arguments)
            counts.append(len(run))
        assert counts[0] == counts[1], operation
        assert operation != "evaluate" or counts == [0, 0]


async def test_the_state_of_a_flag_is_found_by_the_environments_name(instance: Instance, workspace: Workspace) -> None:
    if instance.transport == "rest":
        return
    document = """query($project: ID!, $environment: ID!) {
      flags(projectId: $project) { nodes { key state(environmentId: $environment) { id } } }
    }"""
    viewer: Any = workspace.org.viewer
    named = {"project": PROJECT, "environment": ENVIRONMENT}
    by_id = {"project": workspace.project_id.upper(), "environment": workspace.environment_id.upper()}
    answers = [(await viewer.run(document, variables))["data"] for variables in (named, by_id)]
    assert answers[0] == answers[1]
    refused = await viewer.run(document, {**named, "environment": "acme:web:none"})
    assert {error["extensions"]["code"] for error in refused["errors"]} == {"not_found"}
