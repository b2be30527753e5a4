"""What a project or an organisation holds is not looked at before the caller, the ids, the role and the body are right.

The order of other faults is also `tests/architecture/test_order_of_checks`'s business.
"""

from typing import Any

import pytest

from tests.factories import Instance, Workspace

UNKNOWN = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"
STALE = '"stale.0"'


async def test_the_credentials_before_the_ids(instance: Instance) -> None:
    async with instance.unchanged():
        assert (await instance.anonymous().do("updateProject", projectId=UNKNOWN, name="x")).code == "unauthorized"


async def test_the_ids_before_the_role_and_the_body(instance: Instance, workspace: Workspace) -> None:
    """A key counts among the ids."""
    viewer, missing = workspace.org.viewer, {"environmentId": workspace.environment_id, "key": "none"}
    async with instance.unchanged():
        for operation, arguments in (
            ("updateProject", {"projectId": UNKNOWN, "name": ""}),
            ("killFlag", missing),
            ("killFlag", {**missing, "reason": "r" * 2001}),
        ):
            assert (await viewer.do(operation, **arguments)).code == "not_found", operation


async def test_the_role_before_the_body(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        for operation, arguments in (
            ("updateProject", {"projectId": workspace.project_id, "name": ""}),
            ("updateFlagState", {**workspace.banner, "defaultValue": 1}),
        ):
            assert (await workspace.org.viewer.do(operation, **arguments)).code == "insufficient_role", operation


async def test_the_role_before_the_state(instance: Instance, workspace: Workspace) -> None:
    taken = {"projectId": workspace.project_id, "key": "prod", "name": "Taken"}
    async with instance.unchanged():
        assert (await workspace.org.viewer.do("createEnvironment", **taken)).code == "insufficient_role"


async def test_the_body_before_the_state(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createEnvironment", projectId=workspace.project_id, key="prod", name="")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"name"})
        reply = await workspace.org.editor.do("createOrg", slug="acme", name="")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"name"})


@pytest.mark.parametrize("operation", ["updateProject", "createFlag", "createEnvironment"])
async def test_a_stranger_learns_nothing_from_faults(instance: Instance, workspace: Workspace, operation: str) -> None:
    stranger = (await instance.org("strangers")).owner
    body: dict[str, Any] = {
        "updateProject": {"name": "", "if_match": STALE},
        "createFlag": {"key": "checkout", "type": "boolean", "defaultValue": "wrong"},
        "createEnvironment": {"key": "prod", "name": ""},
    }[operation]
    async with instance.unchanged():
        assert (await stranger.do(operation, projectId=workspace.project_id, **body)).code == "not_found"
        assert (await stranger.do(operation, projectId=UNKNOWN, **body)).code == "not_found"
