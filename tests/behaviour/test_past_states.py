"""A state as it was at a version of its environment."""

from typing import Any

import pytest

from tests.clients import GraphQLApi
from tests.factories import Instance, Workspace


async def test_a_state_is_as_it_was_with_the_name_of_today(workspace: Workspace) -> None:
    editor, viewer = workspace.org.editor, workspace.org.viewer
    first = await viewer.do("flagState", **workspace.banner)
    before = await workspace.version()
    rules = [{"if": {"field": "plan", "$equals": "pro"}, "value": "hi", "rolloutPercent": 12.5}]
    await editor.make("updateFlagState", **workspace.banner, defaultValue="bye", rules=rules)
    await editor.make("killFlag", **workspace.banner)
    await editor.make("updateFlag", projectId=workspace.project_id, key="banner", name="The banner")
    killed = await viewer.make("flagState", **workspace.banner)
    then = await viewer.do("flagState", **workspace.banner, version=before)
    assert then.unwrap() == {**first.unwrap(), "name": "The banner", "openProposals": killed["openProposals"]}
    changed = await viewer.do("flagState", **workspace.banner, version=before + 1)
    found = {name: changed.unwrap()[name] for name in ("defaultValue", "rules", "killed", "version")}
    assert found == {"defaultValue": "bye", "rules": rules, "killed": False, "version": before + 1}
    assert await viewer.make("flagState", **workspace.banner, version=before + 2) == killed
    now = await viewer.do("flagState", **workspace.banner)
    assert len({then.etag, changed.etag, now.etag}) == 3
    assert (await viewer.do("flagState", **workspace.banner, version=before + 2)).etag == now.etag


async def test_a_config_is_as_it_was(workspace: Workspace) -> None:
    before = await workspace.version()
    await workspace.org.editor.make("updateConfigState", **workspace.limits, defaultValue={"a": 2})
    assert (await workspace.org.viewer.make("configState", **workspace.limits, version=before))["defaultValue"] == {
        "a": 1
    }


async def test_a_segment_has_the_lists_of_then(workspace: Workspace) -> None:
    editor, first = workspace.org.editor, await workspace.version()
    changes: list[tuple[str, dict[str, Any]]] = [
        ("updateAllowList", {"add": ["u-1", "u-2"]}),
        ("updateDenyList", {"add": ["u-9"]}),
        ("updateAllowList", {"add": ["u-3"], "remove": ["u-1"]}),
        ("updateAllowList", {"add": ["u-1"]}),
        ("updateSegmentState", {"allowList": [], "denyList": ["u-8"]}),
    ]
    for operation, change in changes:
        await editor.make(operation, **workspace.staff, **change)
    seen = []
    for version in range(first, first + 6):
        then = await workspace.org.viewer.make("segmentState", **workspace.staff, version=version)
        assert (then["allowListSize"], then["denyListSize"]) == (len(then["allowList"]), len(then["denyList"]))
        seen.append((then["allowList"], then["denyList"]))
    assert seen == [
        ([], []),
        (["u-1", "u-2"], []),
        (["u-1", "u-2"], ["u-9"]),
        (["u-2", "u-3"], ["u-9"]),
        (["u-1", "u-2", "u-3"], ["u-9"]),
        ([], ["u-8"]),
    ]


@pytest.mark.raises_codes("not_found")
async def test_before_it_was_made_there_was_none(workspace: Workspace) -> None:
    viewer, before = workspace.org.viewer, await workspace.version()
    flag = {"key": "banner", "type": "string", "defaultValue": "again"}
    await workspace.org.admin.make("deleteFlag", projectId=workspace.project_id, key="banner")
    await workspace.org.editor.make("createFlag", projectId=workspace.project_id, **flag)
    for version in (0, before, before + 1):  # the one that was deleted was another one
        assert (await viewer.do("flagState", **workspace.banner, version=version)).code == "not_found"
    assert (await viewer.make("flagState", **workspace.banner, version=before + 2))["defaultValue"] == "again"


@pytest.mark.raises_codes("invalid_request")
async def test_a_version_that_is_not_yet_there_is_refused(instance: Instance, workspace: Workspace) -> None:
    place = "version" if instance.transport == "graphql" else "?version"
    now = await workspace.version()
    for version in (now + 1, 2**31 - 1, -1):
        reply = await workspace.org.viewer.do("flagState", **workspace.banner, version=version)
        assert (reply.code, list(reply.fields)) == ("invalid_request", [place])


async def test_a_state_below_its_flag_is_as_it_was(workspace: Workspace) -> None:
    viewer = workspace.org.viewer
    graphql = GraphQLApi(viewer.client)
    before = await workspace.version()
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
    await workspace.org.editor.make("updateAllowList", **workspace.staff, add=["u-1"])
    document = """query($project: ID!, $environment: ID!, $then: Int, $first: Int) {
      flags(projectId: $project) { nodes { key
        now: state(environmentId: $environment) { defaultValue }
        then: state(environmentId: $environment, version: $then) { defaultValue version } } }
      segments(projectId: $project) { nodes {
        then: state(environmentId: $environment, version: $then) { allowList { nodes totalCount } }
        next: state(environmentId: $environment, version: $first) { allowList { nodes totalCount } } } } }"""
    variables = {"project": workspace.project_id, "environment": workspace.environment_id}
    found = await graphql.run(document, {**variables, "then": before, "first": before + 2})
    flags = {one["key"]: one for one in found["data"]["flags"]["nodes"]}
    assert (flags["banner"]["now"]["defaultValue"], flags["banner"]["then"]["defaultValue"]) == ("bye", "hello")
    assert flags["checkout"]["then"]["defaultValue"] is True
    assert found["data"]["segments"]["nodes"] == [
        {
            "then": {"allowList": {"nodes": [], "totalCount": 0}},
            "next": {"allowList": {"nodes": ["u-1"], "totalCount": 1}},
        }
    ]
    await workspace.org.editor.make("createSegment", projectId=workspace.project_id, key="late")
    refused = await graphql.run(document, {**variables, "then": before + 9, "first": before})
    codes = {one["path"][-1]: one["extensions"]["code"] for one in refused["errors"]}
    assert codes == {"then": "invalid_request", "next": "not_found"}
    assert refused["data"]["flags"]["nodes"][0]["now"] is not None
