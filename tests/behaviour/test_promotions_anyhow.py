"""Whatever two environments hold, a promotion of everything leaves no difference but what is killed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.factories import Instance, Workspace
from tests.strategies import TEXTS, rule_lists, values

LISTS = st.lists(st.sampled_from(["u-1", "u-2", "é", "0"]), max_size=3)


@st.composite
def states(draw: st.DrawFn) -> dict[str, tuple[str, dict[str, Any]]]:
    """What an environment may hold, each key's after what it may refer to."""
    staff = {"rules": draw(rule_lists([], [], None)), "allowList": draw(LISTS), "denyList": draw(LISTS)}
    found = {"staff": ("replaceSegmentState", staff)}
    for key, of, outcomes in (
        ("checkout", "Flag", st.booleans()),
        ("banner", "Flag", st.sampled_from(TEXTS)),
        ("limits", "Config", values),
    ):
        rules = draw(rule_lists(["staff"], [one for one in ("checkout", "banner") if one in found], outcomes))
        found[key] = (f"replace{of}State", {"defaultValue": draw(outcomes), "rules": rules})
    return found


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
@given(here=states(), there=states(), killed=st.tuples(st.booleans(), st.booleans()))
@examples(0.1)
async def test_a_promotion_makes_the_diff_empty(
    instance: Instance, workspace: Workspace, here: Any, there: Any, killed: tuple[bool, bool]
) -> None:
    editor, prod = workspace.org.editor, workspace.environment_id
    found = await editor.make("environments", projectId=workspace.project_id, key="dev")
    if not found:  # the examples share a workspace
        asked = {"projectId": workspace.project_id, "key": "dev", "name": "Dev"}
        found = [await editor.make("createEnvironment", **asked)]
    dev = found[0]["id"]
    for environment_id, held, kill in zip((prod, dev), (here, there), killed, strict=True):
        for key, (operation, body) in held.items():
            await editor.make(operation, environmentId=environment_id, key=key, **body)
        await editor.make("killFlag" if kill else "restoreFlag", environmentId=environment_id, key="banner")
    compare = {"environmentId": prod, "against": dev}
    before, version = await editor.make("environmentDiff", **compare), await workspace.version()
    tried = await editor.make("promote", environmentId=prod, fromEnvId=dev, dryRun=True)
    expected = [one for one in before["differences"] if one["dimension"] != "killed"]
    assert tried["differences"] == expected
    promoted = await editor.make("promote", environmentId=prod, fromEnvId=dev)
    assert promoted["version"] == version + bool(expected)
    shown = {one["key"] for kind in ("flags", "configs", "segments") for one in promoted[kind]}
    assert shown == {one["key"] for one in expected}
    after = await editor.make("environmentDiff", **compare)
    assert {one["dimension"] for one in after["differences"]} == ({"killed"} if killed[0] != killed[1] else set())
    there_then = await editor.make("ruleset", environmentId=dev)
    here_now = await editor.make("ruleset", environmentId=prod)
    for kind in ("flags", "configs", "segments"):
        for key, one in here_now[kind].items():
            assert {**one, "killed": None} == {**there_then[kind][key], "killed": None}
