"""Tokens: minted, listed, renewed and revoked by people; shown once, kept as a hash, ended at once."""

import asyncio
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.domain.actors import Member
from app.domain.policy import LEVELS
from app.domain.token_secrets import new_token_secret
from app.jobs.last_uses import write_last_uses
from app.models import ApiKey, Environment
from app.services import api_keys
from app.store.unit_of_work import UnitOfWork
from tests.clock import SetClock
from tests.factories import Instance, Workspace
from tests.logged import logged, of_requests

UNKNOWN = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"


def asked(workspace: Workspace, **more: Any) -> dict[str, Any]:
    body = {"orgSlug": workspace.org.slug, "name": "ci", "environments": {"org": True}, "resources": ["*"]}
    return body | ({} if "actions" in more else {"level": "observer"}) | more


async def expire(instance: Instance, token_id: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    await instance.execute(update(ApiKey).where(col(ApiKey.id) == token_id).values(expires_at=past))


async def test_a_new_token_says_what_it_may_and_its_secret_once(instance: Instance, workspace: Workspace) -> None:
    body = asked(
        workspace,
        level="maintainer",
        environments={"envs": [workspace.environment_id] * 2},
        resources=["payments.*", "flag:checkout", "payments.*"],
        rateLimitPerMin=30,
        expiresInSeconds=3600,
        approvalRequired=True,
        ipAllowlist=["192.0.2.0/24", "2001:db8::/32", "192.0.2.0/24"],
    )
    minted = await workspace.org.admin.make("createApiKey", **body)
    secret, admin = minted.pop("token"), (await workspace.org.admin.make("me"))["actor"]
    assert re.fullmatch(r"sbx_[0-9A-Za-z]{49}", secret)
    assert (minted["hint"], minted["mintedBy"]) == (f"{secret[:8]}…", admin)
    assert minted["actions"] == ["read", "propose", "write", "toggle", "promote"]
    assert minted["environments"] == {"envs": [workspace.environment_id]}
    assert minted["resources"] == ["payments.*", "flag:checkout"]
    assert (minted["rateLimitPerMin"], minted["approvalRequired"]) == (30, True)
    assert minted["ipAllowlist"] == ["192.0.2.0/24", "2001:db8::/32"]
    lifetime = datetime.fromisoformat(minted["expiresAt"]) - datetime.fromisoformat(minted["createdAt"])
    assert abs(lifetime - timedelta(hours=1)) < timedelta(seconds=5)
    key = {"orgSlug": workspace.org.slug, "apiKeyId": minted["id"]}
    assert await workspace.org.admin.make("apiKey", **key) == minted
    assert (await workspace.org.admin.make("apiKeys", orgSlug=workspace.org.slug))[-1] == minted
    rows = repr(await instance.rows())
    assert secret not in rows
    assert hashlib.sha256(secret.encode()).hexdigest() in rows


async def test_what_is_not_said_is_the_default(workspace: Workspace) -> None:
    minted = await workspace.org.admin.make("createApiKey", **asked(workspace))
    assert (minted["level"], minted["rateLimitPerMin"], minted["expiresAt"]) == ("observer", 600, None)
    assert (minted["approvalRequired"], minted["ipAllowlist"], minted["lastUsedAt"]) == (False, [], None)
    chosen = await workspace.org.admin.make("createApiKey", **asked(workspace, actions=["write", "evaluate", "write"]))
    assert (chosen["level"], chosen["actions"]) == (None, ["evaluate", "write"])
    await workspace.org.admin.make("updateOrg", slug=workspace.org.slug, maxRateLimitPerMin=100)
    assert (await workspace.org.admin.make("createApiKey", **asked(workspace)))["rateLimitPerMin"] == 100


@pytest.mark.parametrize("level", LEVELS)
async def test_a_level_is_a_template_of_actions(workspace: Workspace, level: str) -> None:
    minted = await workspace.org.admin.make("createApiKey", **asked(workspace, level=level))
    assert set(minted["actions"]) == LEVELS[level]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"actions": []}, "actions"),
        ({"actions": ["read"], "level": "observer"}, "actions"),
        ({"level": None}, "level"),
        ({"resources": []}, "resources"),
        ({"resources": ["*"] * 101}, "resources"),
        *(
            ({"resources": ["*", wrong]}, "resources.1")
            for wrong in (
                "",
                "payments*",
                "*.x",
                "payments.*.x",
                "flag:",
                "other:x",
                "Flag:x",
                "flag:Über",
                "a b",
                "**",
            )
        ),
        ({"rateLimitPerMin": 0}, "rateLimitPerMin"),
        ({"rateLimitPerMin": 60_001}, "rateLimitPerMin"),
        ({"expiresInSeconds": 0}, "expiresInSeconds"),
        ({"expiresInSeconds": 31_536_001}, "expiresInSeconds"),
        *(
            ({"ipAllowlist": [wrong]}, "ipAllowlist.0")
            for wrong in ("192.0.2.1", "x/8", "192.0.2.0/33", "fe80::1%eth0/64")
        ),
        ({"environments": {"projects": []}}, "environments.projects"),
    ],
)
@pytest.mark.raises_codes("invalid_request")
async def test_a_faulty_wish_is_refused_by_its_path(
    instance: Instance, workspace: Workspace, body: dict[str, Any], path: str
) -> None:
    async with instance.unchanged():
        reply = await workspace.org.admin.do("createApiKey", **asked(workspace, **body))
        assert (reply.code, set(reply.fields)) == ("invalid_request", {path})


async def test_a_scope_is_exactly_one_of_three(instance: Instance, workspace: Workspace) -> None:
    project = {"projects": [workspace.project_id]}
    async with instance.unchanged():
        for wrong in (
            {},
            {"org": True, **project},
            {"org": False},
            {"org": None},
            {"envs": None, **project, "org": True},
        ):
            reply = await workspace.org.admin.do("createApiKey", **asked(workspace, environments=wrong))
            assert (reply.code, reply.status) == ("invalid_request", 400), wrong


async def test_a_scope_of_another_organisation_is_not_found_whoever_asks(
    instance: Instance, workspace: Workspace
) -> None:
    other = await instance.workspace(await instance.org("other"))
    async with instance.unchanged():
        for caller in (workspace.org.owner, workspace.org.viewer):  # ids come before the role
            for environments in (
                {"projects": [workspace.project_id, other.project_id]},
                {"envs": [other.environment_id]},
                {"envs": [UNKNOWN]},
                {"projects": ["x"]},
                {"projects": [workspace.environment_id]},
            ):
                reply = await caller.do("createApiKey", **asked(workspace, environments=environments, resources=[]))
                assert (reply.code, reply.status) == ("not_found", 404), environments


@pytest.mark.raises_codes("unauthorized")
async def test_unknown_revoked_and_expired_tokens_get_the_same_answer(instance: Instance, workspace: Workspace) -> None:
    revoked, expired = [await instance.minted(workspace.org) for _ in range(2)]
    for minted in (revoked, expired):
        (await instance.bearer(minted["token"]).do("orgs")).unwrap()
    await workspace.org.admin.make("revokeApiKey", orgSlug=workspace.org.slug, apiKeyId=revoked["id"])
    await expire(instance, expired["id"])
    instance.node.api_keys.invalidate([expired["id"]])
    answers = []
    for secret in (new_token_secret(), revoked["token"], expired["token"]):
        reply = await instance.bearer(secret).do("orgs")
        answers.append((reply.code, reply.status, reply.message, reply.fields))
    assert set(map(repr, answers)) == {repr(("unauthorized", 401, answers[0][2], {}))}


async def test_a_token_that_expires_ends_by_itself(instance: Instance, workspace: Workspace, clock: SetClock) -> None:
    minted = await instance.minted(workspace.org, expiresInSeconds=3600)
    caller, ends = instance.bearer(minted["token"]), datetime.fromisoformat(minted["expiresAt"])
    before = ends - timedelta(milliseconds=1)
    for clock.stopped_at, code in ((before, None), (ends, "unauthorized"), (before, None)):
        assert (await caller.do("orgs")).code == code


@pytest.mark.parametrize("known", [True, False], ids=["cached", "unknown to the cache"])
async def test_a_revocation_acts_on_the_next_request(instance: Instance, workspace: Workspace, known: bool) -> None:
    minted = await instance.minted(workspace.org)
    caller = instance.bearer(minted["token"])
    if known:
        (await caller.do("orgs")).unwrap()
    key = {"orgSlug": workspace.org.slug, "apiKeyId": minted["id"]}
    assert (await workspace.org.admin.do("revokeApiKey", **key)).code is None
    assert (await caller.do("orgs")).code == "unauthorized"
    for operation in ("apiKey", "revokeApiKey"):
        reply = await workspace.org.admin.do(operation, **key)
        assert (reply.code, reply.status) == ("not_found", 404)


@pytest.mark.all_pairs
async def test_a_revocation_wins_over_requests_that_are_looking_the_token_up(
    instance: Instance, workspace: Workspace
) -> None:
    minted = await instance.minted(workspace.org)
    caller = instance.bearer(minted["token"])
    await asyncio.gather(
        *(caller.do("orgs") for _ in range(10)),
        workspace.org.admin.do("revokeApiKey", orgSlug=workspace.org.slug, apiKeyId=minted["id"]),
        *(caller.do("orgs") for _ in range(10)),
    )
    assert (await caller.do("orgs")).code == "unauthorized"


async def test_a_token_revoked_while_its_write_waits_writes_nothing(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org)
    owner = Member((await workspace.org.owner.make("me"))["actor"]["id"], "owner", "session", proven=True)
    async with instance.node.unit("req_other", owner) as other:
        await other.begin_write()
        await other.lock(Environment, [workspace.environment_id])
        waiting = asyncio.create_task(instance.bearer(minted["token"]).do("killFlag", **workspace.banner))
        while minted["id"] not in instance.node.api_keys.uses:
            await asyncio.sleep(0)
        await api_keys.end_api_key(other, await other.session.get_one(ApiKey, minted["id"]))
    assert (await waiting).code == "unauthorized"
    assert (await workspace.evaluated("banner"))["reason"] == {"kind": "default"}


async def test_a_token_ends_with_its_organisation(instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org)
    (await caller.do("orgs")).unwrap()
    await workspace.org.owner.make("deleteOrg", slug=workspace.org.slug, confirm=workspace.org.slug)
    assert (await caller.do("orgs")).code == "unauthorized"


async def test_a_renewal_moves_the_expiry_and_keeps_the_secret(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org, expiresInSeconds=60)
    caller = instance.bearer(minted["token"])
    (await caller.do("orgs")).unwrap()
    key = {"orgSlug": workspace.org.slug, "apiKeyId": minted["id"]}
    renewed = await workspace.org.admin.make("renewApiKey", **key, expiresInSeconds=7200)
    assert datetime.fromisoformat(renewed["expiresAt"]) > datetime.fromisoformat(minted["expiresAt"])
    (await caller.do("orgs")).unwrap()
    assert (await workspace.org.admin.make("renewApiKey", **key, expiresInSeconds=None))["expiresAt"] is None
    async with instance.unchanged():
        for wrong in ({}, {"expiresInSeconds": 0}, {"expiresInSeconds": 31_536_001}):
            reply = await workspace.org.admin.do("renewApiKey", **key, **wrong)
            assert (reply.code, set(reply.fields)) == ("invalid_request", {"expiresInSeconds"})


async def test_a_renewal_acts_at_once_on_a_token_in_use(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    minted = await instance.minted(workspace.org, expiresInSeconds=60)
    caller = instance.bearer(minted["token"])
    (await caller.do("orgs")).unwrap()
    key = {"orgSlug": workspace.org.slug, "apiKeyId": minted["id"]}
    renewed = await workspace.org.admin.make("renewApiKey", **key, expiresInSeconds=7200)
    first, second = (datetime.fromisoformat(one["expiresAt"]) for one in (minted, renewed))
    second_before = second - timedelta(seconds=1)
    for clock.stopped_at, code in ((first, None), (second_before, None), (second, "unauthorized")):
        assert (await caller.do("orgs")).code == code


async def test_an_expired_token_is_listed_and_not_renewed(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org)
    await expire(instance, minted["id"])
    key = {"orgSlug": workspace.org.slug, "apiKeyId": minted["id"]}
    assert minted["id"] in [one["id"] for one in await workspace.org.admin.make("apiKeys", orgSlug=workspace.org.slug)]
    async with instance.unchanged():
        assert (await workspace.org.admin.do("renewApiKey", **key, expiresInSeconds=60)).code == "not_found"
    (await workspace.org.admin.do("revokeApiKey", **key)).unwrap()


@pytest.mark.raises_codes("precondition_failed")
async def test_renewing_and_revoking_heed_a_precondition(instance: Instance, workspace: Workspace) -> None:
    found = await workspace.org.admin.do("apiKey", **workspace.key_of_api)
    async with instance.unchanged():
        for operation, more in (("renewApiKey", {"expiresInSeconds": 60}), ("revokeApiKey", {})):
            reply = await workspace.org.admin.do(operation, **workspace.key_of_api, **more, if_match='"stale"')
            assert (reply.code, reply.status) == ("precondition_failed", 412)
    renewed = await workspace.org.admin.do(
        "renewApiKey", **workspace.key_of_api, expiresInSeconds=60, if_match=found.etag
    )
    assert renewed.unwrap()
    assert renewed.etag != found.etag
    (await workspace.org.admin.do("revokeApiKey", **workspace.key_of_api, if_match=renewed.etag)).unwrap()


async def test_a_token_of_another_organisation_is_not_found(instance: Instance, workspace: Workspace) -> None:
    other = await instance.org("other")
    theirs = await instance.minted(other)
    async with instance.unchanged():
        for operation, more in (("apiKey", {}), ("renewApiKey", {"expiresInSeconds": 60}), ("revokeApiKey", {})):
            reply = await workspace.org.owner.do(operation, orgSlug=workspace.org.slug, apiKeyId=theirs["id"], **more)
            assert (reply.code, reply.status) == ("not_found", 404)


async def test_minting_renewing_and_revoking_are_recorded_without_the_secret(
    instance: Instance, workspace: Workspace
) -> None:
    minted = await instance.minted(workspace.org, name="deployer")
    key = {"orgSlug": workspace.org.slug, "apiKeyId": minted["id"]}
    await workspace.org.admin.make("renewApiKey", **key, expiresInSeconds=60)
    (await workspace.org.admin.do("revokeApiKey", **key, reason="Leaked.")).unwrap()
    events = [one for one in await instance.audited() if one.resource_id == minted["id"]]
    assert [(one.action, one.resource_type, one.resource_key) for one in events] == [
        ("manage_tokens", "api_key", "deployer")
    ] * 3
    assert [(one.previous_value is None, one.new_value is None) for one in events] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert [one.reason for one in events] == [None, None, "Leaked."]
    assert json.loads(events[0].new_value or "")["resources"] == ["*"]
    assert minted["token"] not in repr([(one.previous_value, one.new_value) for one in events])


async def test_what_a_token_changes_is_shown_as_its_own_and_on_whose_behalf(
    instance: Instance, workspace: Workspace
) -> None:
    minted = await instance.minted(workspace.org, name="deployer")
    caller = instance.bearer(minted["token"])
    me = (await caller.make("me"))["actor"]
    admin = (await workspace.org.admin.make("me"))["actor"]
    assert me == {"kind": "token", "id": minted["id"], "name": "deployer", "onBehalfOf": admin}
    state = await caller.make("updateFlagState", **workspace.banner, defaultValue="by token")
    assert state["updatedBy"] == me
    assert (await workspace.org.viewer.make("flagState", **workspace.banner))["updatedBy"] == me
    assert (await instance.audited())[-1].actor == me


async def test_the_last_use_is_written_down_now_and_then(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org)
    caller = instance.bearer(minted["token"])
    key = {"orgSlug": workspace.org.slug, "apiKeyId": minted["id"]}
    async with instance.unchanged():
        for _ in range(3):
            (await caller.do("orgs")).unwrap()
    await write_last_uses(instance.node)
    used = datetime.fromisoformat((await workspace.org.admin.make("apiKey", **key))["lastUsedAt"])
    assert abs(datetime.now(UTC) - used) < timedelta(seconds=30)
    async with instance.unchanged():
        await write_last_uses(instance.node)


async def test_a_last_use_that_cannot_be_written_is_kept(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org)
    (await instance.bearer(minted["token"]).do("orgs")).unwrap()

    def broken() -> UnitOfWork:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        await instance.node.api_keys.write_uses(broken)
    await write_last_uses(instance.node)
    found = await workspace.org.admin.make("apiKey", orgSlug=workspace.org.slug, apiKeyId=minted["id"])
    assert found["lastUsedAt"] is not None


async def test_no_log_line_holds_a_secret(instance: Instance, workspace: Workspace, request_lines: list[str]) -> None:
    minted = await instance.minted(workspace.org)
    with logged(request_lines) as logs:
        (await instance.bearer(minted["token"]).do("orgs")).unwrap()
        await instance.bearer(minted["token"] + "x").do("orgs")
    assert len(of_requests(logs)) == 2
    assert minted["token"][8:] not in repr(logs)


async def test_a_token_may_stand_in_the_header_for_ofrep_clients(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org)
    caller = instance.anonymous()
    caller.client.headers["X-API-Key"] = minted["token"]
    assert (await caller.make("me"))["actor"]["id"] == minted["id"]
    caller.client.headers["X-API-Key"] = "sbx_wrong"
    assert (await caller.do("me")).code == "unauthorized"


async def test_a_bearer_counts_before_a_cookie(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org)
    caller = instance.anonymous(workspace.org.owner.client.cookies["signalbox_session"])
    caller.client.headers["Authorization"] = f"bearer {minted['token']}"
    assert (await caller.make("me"))["actor"]["kind"] == "token"
    for wrong in ("Bearer sbx_wrong", "Bearer", "Basic eDp5", minted["token"]):
        caller.client.headers["Authorization"] = wrong
        reply = await caller.do("me")
        assert (reply.code, reply.status) == ("unauthorized", 401), wrong


async def test_a_token_needs_no_origin(instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org)
    caller.client.headers |= {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    (await caller.do("killFlag", **workspace.banner)).unwrap()
