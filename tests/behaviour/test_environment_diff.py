"""What differs between two environments of a project, by key and dimension."""

from typing import Any

import pytest

from app.domain.ids import new_id
from tests.factories import Instance, Workspace

RULES = [{"if": {"field": "plan", "$equals": "pro"}, "value": "pro"}]


@pytest.fixture
async def dev(workspace: Workspace) -> str:
    """A second environment, a copy of the first."""
    asked = {"projectId": workspace.project_id, "copyFromEnvId": workspace.environment_id}
    made = await workspace.org.editor.make("createEnvironment", **asked, key="dev", name="Development")
    return str(made["id"])


@pytest.fixture
async def apart(workspace: Workspace, dev: str) -> str:
    """The second environment, which holds something else of everything."""
    editor = workspace.org.editor
    await editor.make("updateFlagState", environmentId=dev, key="banner", defaultValue="moin", rules=RULES)
    await editor.make("killFlag", environmentId=dev, key="checkout")
    await editor.make("updateConfigState", environmentId=dev, key="limits", defaultValue={"a": 2})
    await editor.make("updateSegmentState", environmentId=dev, key="staff", allowList=["u-2", "u-1", "u-3"])
    await editor.make("updateSegmentState", **workspace.staff, allowList=["u-1", "u-4"], denyList=["é", "z"])
    return dev


async def diff(workspace: Workspace, environment_id: str, against: str) -> Any:
    return await workspace.org.viewer.make("environmentDiff", environmentId=environment_id, against=against)


def lines(found: Any) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in ("resourceType", "key", "dimension", "value", "againstValue")) for one in found]


async def test_copies_do_not_differ(workspace: Workspace, dev: str) -> None:
    version = await workspace.version()
    found = await diff(workspace, workspace.environment_id, dev)
    assert found == {"version": version, "againstVersion": 1, "differences": []}
    itself = await diff(workspace, dev, dev)
    assert itself == {"version": 1, "againstVersion": 1, "differences": []}


async def test_each_dimension_that_differs_is_shown_with_both_values(workspace: Workspace, apart: str) -> None:
    found = await diff(workspace, workspace.environment_id, apart)
    assert lines(found["differences"]) == [
        ("flag", "banner", "defaultValue", "hello", "moin"),
        ("flag", "banner", "rules", [], RULES),
        ("flag", "checkout", "killed", False, True),
        ("config", "limits", "defaultValue", {"a": 1}, {"a": 2}),
        (
            "segment",
            "staff",
            "allowList",
            {"add": ["u-4"], "remove": ["u-2", "u-3"]},
            {"add": ["u-2", "u-3"], "remove": ["u-4"]},
        ),
        ("segment", "staff", "denyList", {"add": ["z", "é"], "remove": []}, {"add": [], "remove": ["z", "é"]}),
    ]
    back = await diff(workspace, apart, workspace.environment_id)
    turned = [(*one[:3], one[4], one[3]) for one in lines(found["differences"])]
    assert (lines(back["differences"]), back["version"]) == (turned, found["againstVersion"])


async def test_what_is_equal_as_json_does_not_differ(workspace: Workspace, dev: str) -> None:
    editor = workspace.org.editor
    await editor.make("updateConfigState", **workspace.limits, defaultValue={"a": 1, "b": [1, True, None]})
    await editor.make(
        "updateConfigState", environmentId=dev, key="limits", defaultValue={"b": [1.0, True, None], "a": 1}
    )
    assert (await diff(workspace, workspace.environment_id, dev))["differences"] == []
    await editor.make("updateConfigState", environmentId=dev, key="limits", defaultValue={"a": 1, "b": [1, 1, None]})
    (one,) = (await diff(workspace, workspace.environment_id, dev))["differences"]
    assert (one["value"]["b"], one["againstValue"]["b"]) == ([1, True, None], [1, 1, None])


async def test_it_is_of_what_is_now_and_of_what_is_there_still(workspace: Workspace, apart: str) -> None:
    editor = workspace.org.editor
    await editor.make("updateSegmentState", environmentId=apart, key="staff", allowList=["u-1", "u-4"])
    await editor.make("deleteConfig", projectId=workspace.project_id, key="limits")
    await editor.make("updateFlagState", environmentId=apart, key="banner", defaultValue="hello", rules=[])
    await editor.make("createFlag", projectId=workspace.project_id, key="new", type="boolean", defaultValue=True)
    found = await diff(workspace, workspace.environment_id, apart)
    assert [one[:3] for one in lines(found["differences"])] == [
        ("flag", "checkout", "killed"),
        ("segment", "staff", "denyList"),
    ]


async def test_names_and_environments_at_version_0_will_do(workspace: Workspace) -> None:
    new = {"projectId": workspace.project_id, "key": "new", "name": "New"}
    await workspace.org.editor.make("createEnvironment", **new)
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="other")
    found = await diff(workspace, "acme:web:new", "acme:web:prod")
    assert (found["version"], lines(found["differences"])) == (
        0,
        [("flag", "banner", "defaultValue", "hello", "other")],
    )


@pytest.mark.raises_codes("not_found", "token_env_out_of_scope", "token_action_denied")
async def test_both_environments_must_be_the_callers_to_read(
    instance: Instance, workspace: Workspace, apart: str
) -> None:
    other = await instance.workspace(workspace.org, key="app")
    pair = workspace.environment_id, apart
    for missing in (new_id(), "nonsense", "", other.environment_id, "acme:app:prod"):
        reply = await workspace.org.owner.do("environmentDiff", environmentId=pair[0], against=missing)
        assert (reply.code, "in this project" in reply.message) == ("not_found", True), missing
    for allowed in pair:
        token = await instance.token(workspace.org, environments={"envs": [allowed]})
        for here, there in (pair, pair[::-1]):
            reply = await token.do("environmentDiff", environmentId=here, against=there)
            assert reply.code == "token_env_out_of_scope"
    client = await instance.token(workspace.org, level="client")
    assert (await client.do("environmentDiff", environmentId=pair[0], against=pair[1])).code == "token_action_denied"
    both = await instance.token(workspace.org, level="observer", environments={"envs": list(pair)})
    found = await both.make("environmentDiff", environmentId=pair[0], against=pair[1])
    assert found == await diff(workspace, *pair)


async def test_a_token_sees_what_its_resources_cover(instance: Instance, workspace: Workspace, apart: str) -> None:
    token = await instance.token(workspace.org, level="observer", resources=["config:*", "banner"])
    found = await token.make("environmentDiff", environmentId=workspace.environment_id, against=apart)
    assert {(one["resourceType"], one["key"]) for one in found["differences"]} == {
        ("flag", "banner"),
        ("config", "limits"),
    }


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
async def test_the_other_environment_must_be_named_once(workspace: Workspace) -> None:
    address, client = f"/api/v1/envs/{workspace.environment_id}/diff", workspace.org.viewer.client
    for query, message in (
        ("", "Is required."),
        (f"against={workspace.environment_id}&against={workspace.environment_id}", "Given more than once."),
    ):
        answer = await client.get(f"{address}?{query}")
        assert (answer.status_code, answer.json()["fields"]) == (400, {"?against": message})


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
async def test_the_tag_is_that_of_what_is_shown(workspace: Workspace, dev: str) -> None:
    before = await workspace.org.viewer.do("environmentDiff", environmentId=dev, against=workspace.environment_id)
    again = await workspace.org.viewer.do("environmentDiff", environmentId=dev, against=workspace.environment_id)
    await workspace.org.editor.make("killFlag", environmentId=dev, key="checkout")
    after = await workspace.org.viewer.do("environmentDiff", environmentId=dev, against=workspace.environment_id)
    assert before.etag == again.etag != after.etag
