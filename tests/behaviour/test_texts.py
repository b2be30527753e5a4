"""What people write: trimmed names, and texts in which nothing is hidden, wherever they are sent."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace

HIDDEN = ("\u200b", "a\u202eb", "a\x07b", "a\nb", " ")


async def test_names_are_trimmed_and_visible(instance: Instance, workspace: Workspace) -> None:
    owner, project = workspace.org.owner, {"projectId": workspace.project_id}
    assert (await owner.make("updateProject", **project, name="  The web "))["name"] == "The web"
    async with instance.unchanged():
        for name in HIDDEN:
            reply = await owner.do("updateProject", **project, name=name)
            assert (reply.code, set(reply.fields)) == ("invalid_request", {"name"})


async def test_an_email_with_spaces_around_it_is_the_same_email(instance: Instance, workspace: Workspace) -> None:
    invited = await workspace.org.owner.make(
        "createInvitation", orgSlug=workspace.org.slug, email=" new@example.com ", role="viewer"
    )
    assert "new@example.com" in repr(invited)
    assert " new@example.com" not in repr(invited)


@pytest.mark.parametrize("text", ["a\u202eb", "x" * 2001, "   ", ""])
async def test_a_reason_to_break_the_glass_is_checked_where_there_is_no_glass(
    instance: Instance, workspace: Workspace, text: str
) -> None:
    async with instance.unchanged():
        given: dict[str, Any] = {**workspace.checkout, "defaultValue": False}
        asked = {**given, "breakGlass": text.encode() if instance.transport == "rest" else text}
        reply = await workspace.org.owner.do("updateFlagState", **asked)
    place = "X-Break-Glass" if instance.transport == "rest" else "breakGlass"
    assert (reply.code, set(reply.fields)) == ("invalid_request", {place})
