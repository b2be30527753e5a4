"""What a state comes to is shown with it, in lists and by itself, and follows each change."""

from typing import Any

from tests.factories import Workspace

PRO = {"field": "plan", "$equals": "pro"}
OFF = {"kind": "off", "rules": 0, "percent": None, "text": "Off for everyone."}
HELLO = {"kind": "value", "rules": 0, "percent": None, "text": '"hello" for everyone.'}


async def test_a_state_has_its_summary_by_itself_and_in_lists(workspace: Workspace) -> None:
    viewer = workspace.org.viewer
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
    listed = await viewer.make("flagStates", environmentId=workspace.environment_id)
    assert [one["summary"] for one in listed] == [OFF, HELLO]
    assert [(await viewer.make("flagState", **one))["summary"] for one in (workspace.checkout, workspace.banner)] == [
        OFF,
        HELLO,
    ]


async def test_the_answer_to_a_write_has_the_new_summary(workspace: Workspace) -> None:
    editor, flag = workspace.org.editor, workspace.checkout
    quarter: dict[str, Any] = {"rolloutPercent": 25, "value": True}
    disabled = {"value": True, "disabled": True}
    changed = await editor.make("updateFlagState", **flag, rules=[disabled, quarter], defaultValue=False)
    assert changed["summary"] == {
        "kind": "percent",
        "rules": 1,
        "percent": 25,
        "text": "25% of everyone gets true; everyone else false.",
    }
    killed = await editor.make("killFlag", **flag)
    assert killed["summary"] == {"kind": "killed", "rules": 1, "percent": None, "text": "Killed: false for everyone."}
    assert (await editor.make("restoreFlag", **flag))["summary"] == changed["summary"]
    replaced = await editor.make("replaceFlagState", **flag, defaultValue=True, rules=[{**quarter, "if": PRO}])
    assert replaced["summary"] == {
        "kind": "rules",
        "rules": 1,
        "percent": None,
        "text": "1 rule; everyone else gets true.",
    }


async def test_configs_and_segments_have_theirs(workspace: Workspace) -> None:
    editor, viewer = workspace.org.editor, workspace.org.viewer
    changed = await editor.make("updateSegmentState", **workspace.staff, rules=[{"if": PRO}, {"disabled": True}])
    assert changed["summary"] == {"kind": "rules", "rules": 1, "percent": None, "text": "1 rule."}
    changed = await editor.make("updateDenyList", **workspace.staff, add=["u-2", "u-3"])
    expected = {"kind": "rules", "rules": 1, "percent": None, "text": "1 rule, 2 denied."}
    (listed,) = await viewer.make("segmentStates", environmentId=workspace.environment_id)
    shown = await viewer.make("segmentState", **workspace.staff)
    assert [one["summary"] for one in (changed, listed, shown)] == [expected] * 3
    (listed,) = await viewer.make("configStates", environmentId=workspace.environment_id)
    assert listed["summary"] == {"kind": "value", "rules": 0, "percent": None, "text": '{"a":1} for everyone.'}
