"""A ruleset that cannot be compiled, a row damaged by hand say, hurts its own environment and no other."""

import pytest
import structlog
from sqlalchemy import text

from tests.factories import Instance, Workspace

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


async def damage_rules(instance: Instance, workspace: Workspace, rules: str) -> None:
    async with instance.node.database.writing() as session:
        query = text("UPDATE state SET rules = :rules WHERE environment_id = :environment")
        await session.execute(query, {"rules": rules, "environment": workspace.environment_id})
        await session.commit()


@pytest.mark.raises_codes("unavailable")
@pytest.mark.parametrize("damage", ['[{"if": {}, "value": true}]', "no json", '"no list"'])
async def test_a_damaged_ruleset_is_unavailable_logged_and_alone(
    instance: Instance, workspace: Workspace, damage: str
) -> None:
    other = await workspace.org.editor.make(
        "createEnvironment",
        projectId=workspace.project_id,
        key="other",
        name="Other",
        copyFromEnvId=workspace.environment_id,
    )
    await damage_rules(instance, workspace, damage)
    with structlog.testing.capture_logs() as lines:
        reply = await workspace.org.viewer.do("evaluate", environmentId=workspace.environment_id, context={})
    assert reply.code == "unavailable"
    assert [line["environmentId"] for line in lines if line["event"] == "ruleset cannot be compiled"] == [
        workspace.environment_id
    ]
    sound = await workspace.org.viewer.make("evaluate", environmentId=other["id"], context={})
    assert sound["evaluations"]["checkout"]["value"] is True


@pytest.mark.raises_codes("unavailable")
@pytest.mark.parametrize("damage", ["[{}]", '[{"rolloutPercent": "x", "value": false}]', '[{"split": 1}]'])
async def test_a_state_whose_rules_are_none_is_unavailable_until_it_is_replaced(
    instance: Instance, workspace: Workspace, damage: str
) -> None:
    await damage_rules(instance, workspace, damage)
    for name, arguments in (
        ("flagState", workspace.banner),
        ("flagStates", {"environmentId": workspace.environment_id}),
    ):
        assert (await workspace.org.viewer.do(name, **arguments)).code == "unavailable", name
    replaced = await workspace.org.editor.make("replaceFlagState", **workspace.banner, defaultValue="hello", rules=[])
    assert replaced["summary"]["text"] == '"hello" for everyone.'
    assert (await workspace.org.viewer.make("flagState", **workspace.banner))["rules"] == []


@pytest.mark.raises_codes("unavailable")
@pytest.mark.parametrize("damage", ["no json", '"no list"', "[1]"])
async def test_a_damaged_state_is_unavailable_and_its_neighbours_are_not(
    instance: Instance, workspace: Workspace, damage: str
) -> None:
    other = await workspace.org.editor.make(
        "createEnvironment",
        projectId=workspace.project_id,
        key="other",
        name="Other",
        copyFromEnvId=workspace.environment_id,
    )
    await damage_rules(instance, workspace, damage)
    for name in ("flagState", "killFlag"):
        reply = await workspace.org.editor.do(name, **workspace.banner)
        assert (reply.code, reply.status) == ("unavailable", 503), name
    assert (await workspace.org.viewer.do("flagStates", environmentId=workspace.environment_id)).code == "unavailable"
    await workspace.org.editor.make("killFlag", **{**workspace.banner, "environmentId": other["id"]})
    assert await workspace.org.viewer.make("flags", projectId=workspace.project_id)
