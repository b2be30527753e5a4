"""Projects: created, read, listed and renamed."""

import pytest

from tests.factories import Instance, Org, Workspace


async def test_a_project_is_created_and_read(org: Org) -> None:
    project = await org.editor.make("createProject", orgSlug=org.slug, key="web", name="Web shop")
    assert (project["key"], project["name"], project["targetIdField"]) == ("web", "Web shop", None)
    assert project["orgId"] == (await org.viewer.make("org", slug=org.slug))["id"]
    assert await org.viewer.make("project", projectId=project["id"]) == project
    assert await org.viewer.make("projects", orgSlug=org.slug) == [project]


@pytest.mark.raises_codes("key_collision")
async def test_a_key_is_unique_in_the_org(instance: Instance, org: Org) -> None:
    await org.editor.make("createProject", orgSlug=org.slug, key="web", name="Web")
    async with instance.unchanged():
        reply = await org.editor.do("createProject", orgSlug=org.slug, key="web", name="Other")
        assert (reply.code, reply.status, set(reply.fields)) == ("key_collision", 409, {"key"})
    other = await instance.org("other")
    await other.editor.make("createProject", orgSlug="other", key="web", name="Web")


async def test_all_faults_of_a_project_are_told_at_once(instance: Instance, org: Org) -> None:
    async with instance.unchanged():
        reply = await org.editor.do("createProject", orgSlug=org.slug, key="Web", name="")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"key", "name"})


async def test_a_project_is_renamed(workspace: Workspace) -> None:
    renamed = await workspace.org.editor.make("updateProject", projectId=workspace.project_id, name="Shop")
    assert renamed == await workspace.org.viewer.make("project", projectId=workspace.project_id)
    assert (renamed["name"], renamed["key"]) == ("Shop", "web")
    assert renamed["updatedAt"] > workspace.project["updatedAt"]
    assert await workspace.version() == workspace.environment["version"]  # identity raises nothing


async def test_one_project_by_its_key(org: Org) -> None:
    for key in ("web", "app"):
        await org.editor.make("createProject", orgSlug=org.slug, key=key, name=key)
    assert [one["key"] for one in await org.viewer.make("projects", orgSlug=org.slug, key="app")] == ["app"]
    assert await org.viewer.make("projects", orgSlug=org.slug, key="none") == []
