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


async def test_when_to_try_again_is_told_with_the_answer(instance: Instance) -> None:
    caller = instance.anonymous()
    document = 'mutation { requestMagicLink(input: {email: "ada@example.com"}) { sent } }'
    for _ in range(5):
        await ask(caller.client, document)
    response = await caller.client.post("/graphql", json={"query": document})
    assert response.json()["errors"][0]["extensions"]["code"] == "rate_limited"
    assert 0 < int(response.headers["retry-after"]) <= 3600
