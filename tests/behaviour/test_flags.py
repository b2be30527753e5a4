"""Flags: made in every environment at once, changed in one, killed and restored, and what refuses each of these."""

import pytest

from tests.factories import Instance, Org


@pytest.fixture
async def org(instance: Instance) -> Org:
    return await instance.org()


async def test_a_new_flag_is_in_every_environment(org: Org) -> None:
    project = await org.editor.make("createProject", orgSlug=org.slug, key="web", name="Web")
    for key in ("prod", "dev"):
        await org.editor.make("createEnvironment", projectId=project["id"], key=key, name=key)
    flag = await org.editor.make(
        "createFlag", projectId=project["id"], key="checkout", type="boolean", defaultValue=True
    )
    assert flag["initialValue"] is True
    for environment in await org.viewer.make("environments", projectId=project["id"]):
        assert environment["version"] == 1
        states = await org.viewer.make("flagStates", environmentId=environment["id"])
        assert [(state["key"], state["defaultValue"], state["killed"]) for state in states] == [
            ("checkout", True, False)
        ]
