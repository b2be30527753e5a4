"""What comes in variables: as much as can be read at once, and never reported back."""

from typing import Any

import pytest

from app.graphql.limits import MAX_VALUES
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask, refused

UPDATE = "mutation ($i: UpdateFlagStateInput!) { updateFlagState(input: $i) { flagState { id } } }"
DEEP = """
    mutation ($environment: ID!, $if: JSON) {
      updateFlagState(input: {environmentId: $environment, key: "banner", rules: [{if: $if, value: "x"}]}) {
        flagState { id }
      }
    }
"""


@pytest.mark.parametrize("rule", [5, {}, {"x": 1}], ids=str)
async def test_more_values_than_can_be_read_at_once_are_refused_before_they_are_read(
    workspace: Workspace, rule: Any
) -> None:
    rules = [rule] * (MAX_VALUES + 1)
    error = await refused(
        workspace.org.editor.client, UPDATE, {"i": {"environmentId": "x", "key": "x", "rules": rules}}
    )
    assert error["message"] == f"The variables hold more than {MAX_VALUES} values."


@pytest.mark.parametrize(
    ("mutation", "kind", "given"),
    [
        ("redeemLink", "RedeemLinkInput", {"token": "sbl_SECRET", "tokn": 1}),
        ("redeemLink", "RedeemLinkInput", {"token": ["sbl_SECRET"]}),
        ("redeemLink", "RedeemLinkInput", "sbl_SECRET"),
        ("installClaim", "InstallClaimInput", {"email": "a@b.example", "claimCode": "SECRET"}),
    ],
)
async def test_a_wrong_value_is_not_told_back(instance: Instance, mutation: str, kind: str, given: Any) -> None:
    selection = "me { email }" if mutation == "redeemLink" else "org { slug }"
    document = f"mutation ($i: {kind}!) {{ {mutation}(input: $i) {{ {selection} }} }}"
    answer = await ask(instance.anonymous().client, document, {"i": given})
    assert answer["errors"][0]["extensions"]["code"] == "invalid_request"
    assert "SECRET" not in repr(answer)


async def test_a_literal_of_the_wrong_type_is_not_told_back(instance: Instance) -> None:
    document = "mutation { redeemLink(input: {token: sbl_SECRET}) { me { email } } }"
    assert "SECRET" not in repr(await ask(instance.anonymous().client, document))


async def test_what_is_put_together_from_variables_nests_as_deep_as_a_body(
    instance: Instance, workspace: Workspace
) -> None:
    async with instance.unchanged():
        for depth in (97, 98, 99):
            operand: Any = "x"
            for _ in range(depth):
                operand = [operand]
            condition = {"field": "a", "$equals": operand}
            variables = {"environment": workspace.environment_id, "if": condition}
            (error,) = (await ask(workspace.org.editor.client, DEEP, variables))["errors"]
            assert error["extensions"]["code"] == "invalid_request", depth


@pytest.mark.parametrize("name", ["input", "i"])
async def test_paths_of_faults_do_not_depend_on_the_variables_name(workspace: Workspace, name: str) -> None:
    document = UPDATE.replace("$i", f"${name}")
    given = '{"environmentId": "x", "key": "x", "defaultValue": 1e400}'
    body = f'{{"query": "{document}", "variables": {{"{name}": {given}}}}}'
    headers = {"Content-Type": "application/json"}
    answer = (await workspace.org.editor.client.post("/graphql", content=body, headers=headers)).json()
    assert set(answer["errors"][0]["extensions"]["fields"]) == {"defaultValue"}


INPUT_AND_MORE = UPDATE.replace("($i: UpdateFlagStateInput!)", "($i: UpdateFlagStateInput!, $more: JSON)")
FAULTY = '{"a": [0, 1e400], "key": "x", "key": "\\ud800"}'
IN_FAULTY = ["a.1", "key"]


@pytest.mark.parametrize(
    ("document", "more", "inputs"),
    [
        (INPUT_AND_MORE, "", {"i"}),
        (INPUT_AND_MORE, " " * 40_000, {"i"}),  # which is decoded off the event loop
        (INPUT_AND_MORE.replace("$i", "$more_").replace("$more:", "$i:"), "", {"more_"}),
        ("query A($i: JSON, $more: JSON) { __typename } mutation B" + UPDATE.removeprefix("mutation "), "", set()),
        ("mutation A" + UPDATE.removeprefix("mutation "), "", {"i"}),
        ("query ($i: JSON, $more: Nothing) { __typename }", "", set()),
        ("query ($i: UpdateFlagStateInput", "", set()),
        ("", "", set()),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_only_what_is_the_input_is_without_the_name_of_its_variable(
    workspace: Workspace, method: str, document: str, more: str, inputs: set[str]
) -> None:
    names = ["i", "more", "more_"]
    variables = "{" + ", ".join(f'"{name}": {FAULTY}' for name in names) + "}"
    client = workspace.org.editor.client
    if method == "GET":
        asked = {"query": document, "operationName": "A" * ("A" in document), "variables": variables}
        answer = (await client.get("/graphql", params=asked)).json()
    else:
        operation = '"operationName": "A",' if " A" in document else ""
        body = f'{{"query": "{document}", {operation} {more} "variables": {variables}}}'
        headers = {"Content-Type": "application/json"}
        answer = (await client.post("/graphql", content=body, headers=headers)).json()
    expected = {path if name in inputs else f"variables.{name}.{path}" for name in names for path in IN_FAULTY}
    assert set(answer["errors"][0]["extensions"]["fields"]) == expected


async def test_when_to_try_again_is_told_with_the_answer(instance: Instance) -> None:
    caller = instance.anonymous()
    document = 'mutation { requestMagicLink(input: {email: "ada@example.com"}) { sent } }'
    for _ in range(5):
        await ask(caller.client, document)
    response = await caller.client.post("/graphql", json={"query": document})
    assert response.json()["errors"][0]["extensions"]["code"] == "rate_limited"
    assert 0 < int(response.headers["retry-after"]) <= 3600


CREATE = "mutation ($i: CreateApiKeyInput!) { createApiKey(input: $i) { token } }"
FLAGS = "query ($p: ID!, $t: FlagType, $n: Int) { flags(projectId: $p, type: $t, first: $n) { totalCount } }"
REQUIRED = {"orgSlug", "name", "environments", "resources"}


@pytest.mark.parametrize(
    ("document", "variables", "fields"),
    [
        (CREATE, {"i": {}}, dict.fromkeys(REQUIRED, "Is required.")),
        (CREATE, {}, {"variables.i": "Is required."}),
        (CREATE, {"i": None}, {"variables.i": "Must be an object."}),
        (CREATE, {"i": "{}"}, {"variables.i": "Must be an object."}),
        (CREATE, "{}", {"variables": "Must be an object."}),
        (FLAGS, {}, {"variables.p": "Is required."}),
        (
            FLAGS,
            {"p": 7, "t": "STRNG", "n": "1"},
            {
                "variables.p": "Must be a string.",
                "variables.t": "Must be one of BOOLEAN, STRING. Did you mean STRING?",
                "variables.n": "Must be an integer.",
            },
        ),
        (
            CREATE,
            {
                "i": {
                    "orgSlug": "acme",
                    "nmae": "x",
                    "name": None,
                    "environments": {"org": 1},
                    "resources": "*",
                    "actions": ["READ", "WRIET", 1],
                    "ipAllowlist": ["10.0.0.0/8", 7],
                    "rateLimitPerMin": True,
                    "expiresInSeconds": 2**40,
                    "approvalRequired": "true",
                }
            },
            {
                "name": "Must be a string.",
                "environments.org": "Must be true or false.",
                "resources": "Must be a list.",
                "ipAllowlist.1": "Must be a string.",
                "rateLimitPerMin": "Must be an integer.",
                "approvalRequired": "Must be true or false.",
            },
        ),
        (
            CREATE,
            {"i": {"orgSlug": "acme", "name": "x", "environments": {}, "resources": ["*"]}},
            {"environments": "Must have exactly one of org, projects and envs."},
        ),
    ],
)
async def test_every_fault_is_named_at_its_path_at_once(
    workspace: Workspace, document: str, variables: Any, fields: dict[str, str]
) -> None:
    error = await refused(workspace.org.owner.client, document, variables)
    assert fields.items() <= error["extensions"]["fields"].items()


async def test_integers_have_the_bounds_that_graphql_gives_them(workspace: Workspace) -> None:
    client, bounds = workspace.org.owner.client, {"variables.n": "Must be between -2147483648 and 2147483647."}
    for beyond in (-(2**31) - 1, 2**31):
        error = await refused(client, FLAGS, {"p": workspace.project_id, "n": beyond})
        assert error["extensions"]["fields"] == bounds
    lowest = {"query": FLAGS, "variables": {"p": workspace.project_id, "n": -(2**31)}}
    (error,) = (await client.post("/graphql", json=lowest)).json()["errors"]
    assert set(error["extensions"]["fields"]) == {"first"}  # which has bounds of its own


async def test_a_word_that_does_not_exist_is_told_with_those_that_do(workspace: Workspace) -> None:
    given = {"orgSlug": "acme", "nmae": "x", "environments": {"org": True}, "resources": ["*"], "actions": ["WRIET"]}
    fields = (await refused(workspace.org.owner.client, CREATE, {"i": given}))["extensions"]["fields"]
    assert fields["nmae"].startswith("Unknown field. Did you mean name? Known fields: actions, approvalRequired, ")
    assert fields["actions.0"].endswith("Did you mean WRITE?")


async def test_a_document_names_what_was_meant_with_one_mark(workspace: Workspace) -> None:
    document = "{ flags(projectId: 1, type: STRNG) { totalCount } }"
    error = (await ask(workspace.org.owner.client, document))["errors"][0]
    assert error["message"].endswith("'STRING'?")
    assert error["extensions"]["fields"] == {"query": error["message"]}
