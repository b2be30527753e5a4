"""GraphiQL's examples: valid against the schema, and run in order against an instance, as the page runs them."""

import json
from typing import Any

import pytest
from graphql import parse, validate
from starlette.applications import Starlette

from app.graphql.schema import schema
from app.web.pages import EXAMPLES, Example
from tests.clients import GraphQLApi
from tests.conftest import client_of
from tests.factories import Instance
from tests.sockets import speaking

MAKES = {"create-a-project": "project", "create-an-environment": "environment"}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_valid(example: Example) -> None:
    assert validate(schema._schema, parse(example.query)) == []


async def test_the_examples_run_in_order(app: Starlette) -> None:
    instance = Instance(app, GraphQLApi, client_of)
    org = await instance.org()
    known = {"orgSlug": org.slug}
    data: dict[str, Any] = {}
    followed = EXAMPLES["follow-the-environment"]
    for slug, example in EXAMPLES.items():
        if example is followed:
            continue
        answer = await org.editor.run(example.query, _filled(example, known))
        assert "errors" not in answer, (slug, answer)
        data[slug] = answer["data"]
        if slug in MAKES:
            made = MAKES[slug]
            known[f"{made}Id"] = next(iter(answer["data"].values()))[made]["id"]
    async with speaking(app, org.editor) as socket:
        await socket.subscribe("1", followed.query, **_filled(followed, known))
        assert (await socket.event())["changed"] == {"flags": [], "configs": [], "segments": []}
    await instance.close()
    assert data["who-am-i"]["me"]["orgs"][0]["org"]["slug"] == org.slug
    evaluation = data["evaluate"]["evaluate"]["evaluations"][0]["evaluation"]
    assert (evaluation["value"], evaluation["reason"]["ruleName"]) == (True, "half of the pro plan")
    assert data["kill-it"]["killFlag"]["flagState"]["killed"]
    assert not data["restore-it"]["restoreFlag"]["flagState"]["killed"]
    assert data["change-its-allow-list"]["updateAllowList"]["segmentState"]["allowListSize"] == 2
    evaluation = data["evaluate-the-config"]["evaluate"]["evaluations"][0]["evaluation"]
    assert evaluation["value"] == {"items": 100, "days": 30}


def _filled(example: Example, known: dict[str, str]) -> dict[str, Any]:
    variables = example.variables or "{}"
    for name, value in known.items():
        variables = variables.replace(f"{{{name}}}", value)
    return json.loads(variables)
