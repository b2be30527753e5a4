"""How large a body may be: what signing in takes for strangers, what rules take for callers with credentials."""

import pytest

from tests.factories import Instance, Workspace

STRANGERS, CALLERS = 16 * 1024, 1024 * 1024


@pytest.mark.raises_codes("invalid_request")
async def test_a_stranger_may_send_little(instance: Instance) -> None:
    caller = instance.anonymous()
    async with instance.unchanged():
        for credentials in ({}, {"Cookie": "signalbox_session=sbs_ended"}):
            caller.client.headers = credentials
            reply = await caller.do("requestMagicLink", email="a" * STRANGERS)
            assert (reply.code, reply.status) == ("invalid_request", 400)
            assert "larger than 16 KiB" in reply.message


async def test_a_caller_with_credentials_may_send_more(instance: Instance, workspace: Workspace) -> None:
    large = "x" * 60_000
    for caller in (workspace.org.editor, await instance.token(workspace.org)):
        asked = {"environmentId": workspace.environment_id, "context": {"a": large}}
        assert (await caller.do("evaluate", **asked)).code is None


@pytest.mark.raises_codes("invalid_request")
async def test_nobody_may_send_any_amount(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("updateFlagState", **workspace.banner, reason="x" * CALLERS)
        assert (reply.code, reply.status) == ("invalid_request", 400)
        assert "larger than 1024 KiB" in reply.message


@pytest.mark.raises_codes("unauthorized")
async def test_who_has_no_valid_credentials_is_told_that_first(instance: Instance, workspace: Workspace) -> None:
    caller = instance.bearer("sbx_unknown")
    reply = await caller.do("updateFlagState", **workspace.banner, reason="x" * CALLERS)
    assert (reply.code, reply.status) == ("unauthorized", 401)


@pytest.mark.parametrize("path", ["/app/signin", "/app/claim", "/auth/link", "/app/sign-out"])
async def test_forms_are_bodies_too(instance: Instance, path: str) -> None:
    async with instance.unchanged():
        answer = await instance.anonymous().client.post(path, data={"email": "a" * STRANGERS})
    assert answer.status_code == (303 if path == "/app/sign-out" else 400)  # which reads nothing
