"""A ruleset that cannot be compiled, a row damaged by hand say, hurts its own environment and no other."""

import pytest
import structlog
from sqlalchemy import text

from tests.factories import Instance, Place

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


async def damage_rules(instance: Instance, place: Place, rules: str) -> None:
    async with instance.node.database.writing() as session:
        query = text("UPDATE state SET rules = :rules WHERE environment_id = :environment")
        await session.execute(query, {"rules": rules, "environment": place.environment_id})
        await session.commit()


@pytest.mark.provokes("unavailable")
@pytest.mark.parametrize("damage", ['[{"if": {}, "value": true}]', "no json", '"no list"'])
async def test_a_damaged_ruleset_is_unavailable_logged_and_alone(instance: Instance, place: Place, damage: str) -> None:
    other = await place.org.editor.make(
        "createEnvironment", projectId=place.project_id, key="other", name="Other", copyFromEnvId=place.environment_id
    )
    await damage_rules(instance, place, damage)
    with structlog.testing.capture_logs() as lines:
        reply = await place.org.viewer.do("evaluate", environmentId=place.environment_id, context={})
    assert reply.code == "unavailable"
    assert [line["environmentId"] for line in lines if line["event"] == "ruleset cannot be compiled"] == [
        place.environment_id
    ]
    sound = await place.org.viewer.make("evaluate", environmentId=other["id"], context={})
    assert sound["evaluations"]["checkout"]["value"] is True


@pytest.mark.provokes("unavailable")
@pytest.mark.parametrize("damage", ["no json", '"no list"', "[1]"])
async def test_a_damaged_state_is_unavailable_and_its_neighbours_are_not(
    instance: Instance, place: Place, damage: str
) -> None:
    other = await place.org.editor.make(
        "createEnvironment", projectId=place.project_id, key="other", name="Other", copyFromEnvId=place.environment_id
    )
    await damage_rules(instance, place, damage)
    for name in ("flagState", "killFlag"):
        reply = await place.org.editor.do(name, **place.banner)
        assert (reply.code, reply.status) == ("unavailable", 503), name
    assert (await place.org.viewer.do("flagStates", environmentId=place.environment_id)).code == "unavailable"
    await place.org.editor.make("killFlag", **{**place.banner, "environmentId": other["id"]})
    assert await place.org.viewer.make("flags", projectId=place.project_id)
