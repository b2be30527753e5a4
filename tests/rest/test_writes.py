"""What a write answers over REST: where the new resource is, its tag, and nothing where nothing is left."""

import httpx2
import pytest

from tests.conftest import CLAIM_CODE
from tests.factories import Instance, Workspace

PREFIX = "/api/v1"


async def follow(client: httpx2.AsyncClient, created: httpx2.Response) -> None:
    """A 201 says where the resource is; a GET there gives the same body and tag."""
    assert created.status_code == 201
    found = await client.get(created.headers["location"])
    assert found.status_code == 200
    assert (found.json(), found.headers["etag"]) == (created.json(), created.headers["etag"])


async def test_a_create_says_where_the_resource_is(workspace: Workspace) -> None:
    client = workspace.org.owner.client
    for path, body in (
        ("/orgs", {"slug": "second", "name": "Second"}),
        (f"/orgs/{workspace.org.slug}/projects", {"key": "app", "name": "App"}),
        (f"/projects/{workspace.project_id}/environments", {"key": "dev", "name": "Dev"}),
        (f"/projects/{workspace.project_id}/flags", {"key": "a.b_c-d", "type": "boolean", "defaultValue": True}),
    ):
        await follow(client, await client.post(PREFIX + path, json=body))


async def test_a_claim_says_where_the_org_is(client: httpx2.AsyncClient) -> None:
    body = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme", "claimCode": CLAIM_CODE}
    claimed = await client.post(f"{PREFIX}/auth/install-claim", json=body)
    assert claimed.status_code == 201
    assert (await client.get(claimed.headers["location"])).json() == claimed.json()["org"]


async def test_a_write_answers_with_the_new_tag(workspace: Workspace) -> None:
    client, path = workspace.org.owner.client, f"{PREFIX}/envs/{workspace.environment_id}/flags/banner"
    for method, at, body in (
        ("PATCH", path, {"defaultValue": "x"}),
        ("PUT", f"{path}/state", {"defaultValue": "y", "rules": []}),
        ("POST", f"{path}/kill", None),
        ("POST", f"{path}/restore", {}),
        ("POST", f"{path}/restore", {"reason": "Again."}),
    ):
        written = await client.request(method, at, json=body)
        assert written.status_code == 200
        found = await client.get(path)
        assert (found.headers["etag"], found.json()) == (written.headers["etag"], written.json())


async def test_a_delete_answers_nothing_and_takes_its_words_from_body_query_or_header(workspace: Workspace) -> None:
    client = workspace.org.owner.client
    dev = await workspace.org.owner.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    for path, sent in (
        (f"/projects/{workspace.project_id}/flags/checkout", {"headers": {"X-Reason": "Überholt.".encode()}}),
        (f"/envs/{dev['id']}", {"params": {"confirm": "dev"}}),
        (f"/projects/{workspace.project_id}", {"json": {"confirm": "web"}}),
    ):
        response = await client.request("DELETE", PREFIX + path, **sent)
        assert (response.status_code, response.content) == (204, b"")
        assert (await client.request("DELETE", PREFIX + path, **sent)).status_code == 404


async def test_a_reason_in_a_header_is_in_the_audit(instance: Instance, workspace: Workspace) -> None:
    for path in (
        f"/orgs/acme/api-keys/{workspace.api_key['id']}",
        f"/orgs/acme/members/{workspace.guest_id}",
        f"/projects/{workspace.project_id}/flags/checkout",
        f"/envs/{workspace.environment_id}?confirm=prod",
        f"/projects/{workspace.project_id}?confirm=web",
    ):
        headers = {"X-Reason": f"Überholt: {path}".encode()}
        before = len(await instance.audited())
        assert (await workspace.org.owner.client.delete(PREFIX + path, headers=headers)).is_success, path
        assert [event.reason for event in (await instance.audited())[before:]] == [f"Überholt: {path}"]


@pytest.mark.raises_codes("invalid_request", on="rest")
async def test_a_query_and_a_body_that_agree_revoke_tokens_and_such_as_do_not_do_nothing(
    instance: Instance, workspace: Workspace
) -> None:
    token = await instance.token(workspace.org)
    admin = (await workspace.org.admin.make("me"))["actor"]["id"]
    client, path = workspace.org.owner.client, f"{PREFIX}/orgs/acme/members/{admin}?revokeTokens=true"
    async with instance.unchanged():
        refused = await client.request("DELETE", path, json={"revokeTokens": False})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
        assert refused.json()["fields"] == {"?revokeTokens": "Contradicts the body."}
    removed = await client.request("DELETE", path, json={"revokeTokens": True})
    assert (removed.status_code, removed.json()["tokensRevoked"]) == (200, True)
    assert (await token.do("orgs")).code == "unauthorized"


async def test_signing_out_answers_nothing_with_any_cookie_or_none(
    workspace: Workspace, client: httpx2.AsyncClient
) -> None:
    for caller, headers in (
        (workspace.org.owner.client, {}),
        (client, {}),
        (client, {"Cookie": "signalbox_session=sbs_stale"}),
    ):
        response = await caller.post(f"{PREFIX}/auth/logout", headers=headers)
        assert (response.status_code, response.content) == (204, b"")


@pytest.mark.raises_codes("invalid_confirmation", on="rest")
async def test_a_confirmation_that_contradicts_itself_destroys_nothing(
    instance: Instance, workspace: Workspace
) -> None:
    async with instance.unchanged():
        answer = await workspace.org.owner.client.request(
            "DELETE", f"/api/v1/envs/{workspace.environment_id}?confirm=x", json={"confirm": "prod"}
        )
    assert answer.json()["code"] == "invalid_confirmation"


@pytest.mark.parametrize("header", ["X-Reason", "X-Break-Glass"])
@pytest.mark.parametrize("text", [b"\xff", b"a\xe2\x80\xaeb", b"x" * 2001, b" "])
async def test_a_text_in_a_header_is_checked_whether_or_not_it_counts(
    instance: Instance, workspace: Workspace, header: str, text: bytes
) -> None:
    editor, path = workspace.org.editor.client, f"/api/v1/envs/{workspace.environment_id}/flags/banner"
    async with instance.unchanged():
        response = await editor.patch(path, json={"defaultValue": "x"}, headers={header: text})
        at_once = await editor.patch(path, json={"zz": 1}, headers={header: text})
        nowhere = await editor.patch(f"{path}-no", json={"defaultValue": "x"}, headers={header: text})
        denied = await workspace.org.viewer.client.patch(path, json={"defaultValue": "x"}, headers={header: text})
    assert (response.status_code, set(response.json()["fields"])) == (400, {header})
    assert (at_once.status_code, set(at_once.json()["fields"])) == (400, {header, "zz"})
    assert (nowhere.status_code, denied.json()["code"]) == (404, "insufficient_role")
