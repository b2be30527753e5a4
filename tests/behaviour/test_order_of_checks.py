"""Two faults at a time: which of them is reported never depends on luck.

The order: credentials, ids, role, body, precondition, state. The first parts (route, media type, syntax) differ by
transport and are tested there.
"""

from typing import Any

import pytest

from tests.factories import Instance, Workspace

UNKNOWN = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"
STALE = '"stale.0"'


async def refusal(caller: Any, operation: str, **arguments: Any) -> str | None:
    return (await caller.do(operation, **arguments)).code  # type: ignore[no-any-return]


async def test_credentials_before_ids(instance: Instance) -> None:
    assert await refusal(instance.anonymous(), "updateProject", projectId=UNKNOWN, name="x") == "unauthorized"


async def test_ids_before_the_role_and_the_body(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        assert await refusal(workspace.org.viewer, "updateProject", projectId=UNKNOWN, name="") == "not_found"
        assert (
            await refusal(workspace.org.viewer, "killFlag", environmentId=workspace.environment_id, key="none")
            == "not_found"
        )


async def test_the_role_before_the_body_the_precondition_and_the_state(
    instance: Instance, workspace: Workspace
) -> None:
    viewer = workspace.org.viewer
    async with instance.unchanged():
        for operation, arguments in (
            ("updateProject", {"projectId": workspace.project_id, "name": ""}),
            ("updateFlagState", {**workspace.banner, "defaultValue": 1}),
            ("updateFlagState", {**workspace.banner, "defaultValue": "x", "if_match": STALE}),
            ("createEnvironment", {"projectId": workspace.project_id, "key": "prod", "name": "Taken"}),
        ):
            assert await refusal(viewer, operation, **arguments) == "insufficient_role", operation


async def test_the_body_before_the_precondition(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        for arguments in ({"defaultValue": 1}, {"reason": "r" * 2001}):
            code = await refusal(
                workspace.org.editor, "updateFlagState", if_match=STALE, **workspace.banner, **arguments
            )
            assert code == "invalid_request"


async def test_the_body_before_the_state(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createEnvironment", projectId=workspace.project_id, key="prod", name="")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"name"})
        reply = await workspace.org.editor.do("createOrg", slug="acme", name="")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"name"})


async def test_the_precondition_before_what_approval_says_of_the_content(
    instance: Instance, workspace: Workspace
) -> None:
    await instance.protect(workspace.environment_id)
    async with instance.unchanged():
        banner = {**workspace.banner, "defaultValue": "bye"}
        assert await refusal(workspace.org.editor, "updateFlagState", if_match=STALE, **banner) == "precondition_failed"
        assert await refusal(workspace.org.editor, "updateFlagState", **banner) == "approval_not_supported"


@pytest.mark.parametrize("operation", ["updateProject", "createFlag", "createEnvironment"])
async def test_a_stranger_learns_nothing_from_faults(instance: Instance, workspace: Workspace, operation: str) -> None:
    stranger = (await instance.org("strangers")).owner
    body: dict[str, Any] = {
        "updateProject": {"name": "", "if_match": STALE},
        "createFlag": {"key": "checkout", "type": "boolean", "defaultValue": "wrong"},
        "createEnvironment": {"key": "prod", "name": ""},
    }[operation]
    async with instance.unchanged():
        assert await refusal(stranger, operation, projectId=workspace.project_id, **body) == "not_found"
        assert await refusal(stranger, operation, projectId=UNKNOWN, **body) == "not_found"
