"""A purged user is named nowhere any more."""

from collections.abc import Sequence
from typing import Any

from app.jobs.refusals import write_refusals
from app.models import AuditEvent
from app.services import users
from app.store.audit import ERASED
from tests.factories import Instance, Workspace

EMAIL, NAME, NEW_NAME = "Grace.Purged@Example.com", "Grace Q. Purged", "G. Q. Purged"
ADDRESS, BROWSER = "203.0.113.77", "gracebrowser"


async def test_a_purged_user_is_named_nowhere(instance: Instance, workspace: Workspace) -> None:
    org = workspace.org
    revoked = await org.owner.make("createInvitation", orgSlug=org.slug, email=EMAIL, role="viewer")
    await org.owner.make("revokeInvitation", orgSlug=org.slug, invitationId=revoked["id"])  # the audit alone has it now
    made = await org.owner.make("createInvitation", orgSlug=org.slug, email=EMAIL.upper(), role="viewer")
    grace = instance.anonymous(address=ADDRESS)
    grace.client.headers["User-Agent"] = f"{BROWSER}/1.0"
    await grace.make("acceptInvitation", token=made["acceptUrl"].rpartition("/")[2], displayName=NAME)
    await instance.anonymous().make("requestMagicLink", email=EMAIL)
    link = (await instance.mail(EMAIL.upper())).secret
    await grace.make("redeemLink", token=link)
    me = (await grace.make("me"))["actor"]
    await org.owner.make("updateMember", orgSlug=org.slug, userId=me["id"], role="admin")
    await grace.make("killFlag", **workspace.checkout)
    await grace.make("setSpotChecks", environmentId=workspace.environment_id, contexts=[{}])
    minted = await grace.make(
        "createApiKey",
        orgSlug=org.slug,
        name="ci",
        level="admin",
        environments={"org": True},
        resources=["*"],
    )
    token = instance.bearer(minted["token"])
    await token.make("updateFlagState", **workspace.banner, defaultValue="by her token")
    await grace.make("updateMe", displayName=NEW_NAME)
    await grace.make("updateFlagState", **workspace.banner, defaultValue="by her new name")
    await grace.make("createInvitation", orgSlug=org.slug, email="alan@example.com", role="viewer")
    await instance.anonymous().make("requestMagicLink", email=EMAIL)
    await instance.mails()
    assert (await instance.anonymous().do("redeemLink", token=link)).code == "magic_link_used"
    assert any(event.address == ADDRESS and event.resource_key == BROWSER for event in await instance.audited())
    before = await instance.audited()
    assert named(await instance.rows()) >= {
        "user",
        "audit_event",
        "state",
        "invitation",
        "api_key",
        "magic_link",
        "spot_checks",
    }

    async with instance.node.unit("req_purge") as uow:
        await users.purge(uow, EMAIL)
    await write_refusals(instance.node)  # in memory until then, and the operator's command runs in another process

    assert named(await instance.rows()) == set()
    after = await instance.audited()
    assert list(map(fixed, after))[: len(before)] == list(map(fixed, before)), "ids stay, and what was done when"
    hers = [event for event in after if event.actor_id == me["id"]]
    assert len(hers) >= 6
    assert {event.actor["name"] for event in hers} == {ERASED}
    by_token = [event for event in after if event.actor_kind == "token"]
    assert [names(event) for event in by_token] == [("ci", ERASED)]
    state = await org.viewer.make("flagState", **workspace.banner)
    assert state["updatedBy"] == {"kind": "member", "id": me["id"], "name": ERASED}
    await token.make("updateFlagState", **workspace.banner, defaultValue="the token goes on")
    assert (await org.viewer.make("flagState", **workspace.banner))["updatedBy"]["onBehalfOf"]["name"] == ERASED


def fixed(event: AuditEvent) -> tuple[Any, ...]:
    return event.id, event.at, event.actor_id, event.action, event.resource_id


def names(event: AuditEvent) -> tuple[str, str]:
    return event.actor["name"], event.actor["onBehalfOf"]["name"]


GRACE = (EMAIL.lower(), NAME.lower(), NEW_NAME.lower(), ADDRESS, BROWSER)


def named(rows: dict[str, list[tuple[Any, ...]]], words: Sequence[str] = GRACE) -> set[str]:
    """The tables that hold the email, one of the names, the address or the browser, however they are written."""
    return {table for table, found in rows.items() if any(word in repr(found).lower() for word in words)}


async def test_a_purged_user_is_named_in_no_proposal(instance: Instance, workspace: Workspace) -> None:
    org, token = workspace.org, await instance.token(workspace.org, level="proposer")  # which the admin has created
    rounds = (
        (org.admin, org.editor, "applyProposal"),
        (token, org.owner, "applyProposal"),
        (org.editor, org.admin, "applyProposal"),
        (org.editor, org.admin, "cancelProposal"),
        (org.admin, org.editor, None),
        (token, org.editor, None),
        (org.editor, org.admin, None),
    )
    for number, (proposer, other, end) in enumerate(rounds):
        change = {"kind": "set_default_value_flag", "resourceKey": "banner", "diff": {"defaultValue": f"{number}"}}
        made = await proposer.make("createProposal", envId=workspace.environment_id, **change)
        await other.make("reviewProposal", proposalId=made["id"], verdict="approve")
        if end is not None:
            await other.make(end, proposalId=made["id"])
    await instance.mails()
    admin = ("acme-admin",)
    assert named(await instance.rows(), admin) >= {"proposal", "proposal_review", "audit_event", "state"}
    async with instance.node.unit("req_purge") as uow:
        await users.purge(uow, "acme-admin@example.com")
    assert named(await instance.rows(), admin) == set()
    found = await org.viewer.make("proposals")
    actors = {one["actor"].get("onBehalfOf", one["actor"])["name"] for one in found}
    assert actors == {ERASED, "acme-editor", "Somebody"}
    assert ERASED in {one["name"] for it in found for one in it["approvers"]}, "what was applied keeps its approvers"
