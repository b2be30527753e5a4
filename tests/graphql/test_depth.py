"""What nests as deep as a body may stands deeper in a ruleset, which gives it all the same."""

from typing import Any

from tests.factories import Workspace

DEEPEST = 96  # within the body, its rules, the rule and its condition


def rules_of(levels: int) -> list[dict[str, Any]]:
    operand: Any = 1
    for _ in range(levels):
        operand = [operand]
    return [{"if": {"field": "x", "$equals": operand}, "value": False}]


async def test_a_ruleset_holds_an_operand_as_deep_as_a_body_may(workspace: Workspace) -> None:
    deeper = await workspace.org.editor.do("updateFlagState", **workspace.checkout, rules=rules_of(DEEPEST + 1))
    assert deeper.code == "invalid_request"
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, rules=rules_of(DEEPEST))
    ruleset = await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id)
    assert ruleset["flags"]["checkout"]["rules"] == rules_of(DEEPEST)
