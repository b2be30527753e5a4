"""Writes above and below each other at one moment: nobody waits for another in a circle, and nothing is lost."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.actors import Member
from app.domain.preconditions import IfMatch
from app.domain.rate_limits import Allowance
from app.jobs.housekeeping import expire_proposals
from app.services import links
from app.services.applying import apply_proposal
from app.services.sessions import delete_other_sessions, start_session
from tests.clock import SetClock
from tests.factories import Instance, Workspace

pytestmark = pytest.mark.all_pairs

WRITERS = 10


def writers(workspace: Workspace) -> list[Any]:
    """So many changes of a state."""
    return [
        workspace.org.editor.do("updateFlagState", **workspace.banner, defaultValue=f"value {number}")
        for number in range(WRITERS)
    ]


async def test_an_organisations_field_changes_beside_writers_of_states(
    instance: Instance, workspace: Workspace
) -> None:
    changes = [
        workspace.org.admin.do("updateOrg", slug=workspace.org.slug, defaultTargetIdField=f"field{number}")
        for number in range(WRITERS)
    ]
    before = await workspace.version()
    replies = await asyncio.gather(*(one for pair in zip(writers(workspace), changes, strict=True) for one in pair))
    assert {reply.code for reply in replies} == {None}
    assert await workspace.version() == before + 2 * WRITERS


@pytest.mark.parametrize("operation", ["deleteOrg", "deleteProject", "deleteEnvironment", "deleteFlag"])
async def test_a_delete_beside_writers_ends_their_writes(
    instance: Instance, workspace: Workspace, operation: str
) -> None:
    arguments = {
        "deleteOrg": {"slug": workspace.org.slug, "confirm": workspace.org.slug},
        "deleteProject": {"projectId": workspace.project_id, "confirm": workspace.project["key"]},
        "deleteEnvironment": {"environmentId": workspace.environment_id, "confirm": workspace.environment["key"]},
        "deleteFlag": {"projectId": workspace.project_id, "key": workspace.banner["key"]},
    }[operation]
    before, after = writers(workspace), writers(workspace)
    replies = await asyncio.gather(*before, workspace.org.owner.do(operation, **arguments), *after)
    deleted = replies.pop(WRITERS)
    assert deleted.code is None, deleted
    assert {reply.code for reply in replies} <= {None, "not_found"}
    assert (
        await workspace.org.editor.do("updateFlagState", **workspace.banner, defaultValue="late")
    ).code == "not_found"


async def test_of_two_links_of_one_new_person_one_signs_in(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.admin.make(
        "createInvitation", orgSlug=workspace.org.slug, email="eve@example.com", role="editor"
    )
    for _ in range(3):
        await instance.anonymous().make("requestMagicLink", email="eve@example.com")
    links = [one for one in await instance.mails("eve@example.com") if one.subject == "Sign in to Signalbox"]
    replies = await asyncio.gather(*(instance.anonymous().do("redeemLink", token=one.secret) for one in links))
    assert sorted(reply.code or "" for reply in replies) == ["", "magic_link_expired", "magic_link_expired"]
    members = await workspace.org.viewer.make("members", orgSlug=workspace.org.slug)
    assert [one["role"] for one in members if one["email"] == "eve@example.com"] == ["editor"]


async def test_an_invitation_accepted_beside_a_link_makes_one_user(instance: Instance, workspace: Workspace) -> None:
    for number in range(3):
        email = f"eve{number}@example.com"
        invited = await workspace.org.admin.make(
            "createInvitation", orgSlug=workspace.org.slug, email=email, role="editor"
        )
        await instance.anonymous().make("requestMagicLink", email=email)
        accepted, signed_in = await asyncio.gather(
            instance.anonymous().do("acceptInvitation", token=invited["acceptUrl"].rpartition("/")[2]),
            instance.anonymous().do("redeemLink", token=(await instance.mail(email)).secret),
        )
        assert (accepted.code, signed_in.code) in {(None, None), ("invitation_used", None)}
        members = await workspace.org.viewer.make("members", orgSlug=workspace.org.slug)
        assert [one["role"] for one in members if one["email"] == email] == ["editor"]


@pytest.mark.parametrize("ends", ["a sign-in", "ending the other sessions"])
async def test_a_link_that_is_being_ended_gets_no_other_lifetime(instance: Instance, ends: str) -> None:
    """Asking for one more than a mailbox gets does not undo what ends all links."""
    user, _ = await instance.person("ada")
    for _ in range(2):
        await instance.anonymous().make("requestMagicLink", email=user.email)
    earlier, newest = await instance.mails(user.email)
    for _ in range(18):
        await instance.node.host.rate_limits.take(Allowance(f"mailbox:{user.email_key}", 20))
    async with instance.node.unit("req_test") as uow:
        await uow.begin_write()
        ada = (await start_session(uow, user)).member
    async with instance.node.unit("req_test", ada) as uow:
        if ends == "a sign-in":
            await links.redeem(uow, {"token": earlier.secret})
        else:
            await delete_other_sessions(uow, {})
        asked = asyncio.create_task(instance.anonymous().do("requestMagicLink", email=user.email))
        await until_it_waits(instance, asked)
    (await asked).unwrap()
    assert (await instance.anonymous().do("redeemLink", token=newest.secret)).code == "magic_link_expired"


async def until_it_waits(instance: Instance, asked: asyncio.Task[Any]) -> None:
    """Until PostgreSQL lets the call wait for another's lock, or it is done. SQLite has one writer at a time."""
    waiting = text("SELECT true FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    while instance.node.settings.sqlite_path is None and not asked.done():
        async with instance.node.database.reading() as session:
            if (await session.execute(waiting)).first():
                return


async def test_of_a_deleted_account_and_an_organisation_it_founds_one_is(instance: Instance) -> None:
    for number in range(5):
        user, ada = await instance.person(f"ada{number}")
        slug = f"org{number}"
        deleted, founded = await asyncio.gather(
            ada.do("deleteMe", confirm=user.email), ada.do("createOrg", slug=slug, name="Org")
        )
        assert (deleted.code, founded.code) in {
            (None, "unauthorized"),
            ("last_owner_cannot_demote_or_remove", None),
        }


async def test_of_20_applies_one_wins(instance: Instance, workspace: Workspace) -> None:
    org, before = workspace.org, await workspace.version()
    it = {"proposalId": workspace.proposal_id}
    replies = await asyncio.gather(*((org.owner, org.admin)[one % 2].do("applyProposal", **it) for one in range(20)))
    assert Counter(reply.code for reply in replies) == {None: 1, "proposal_gone": 19}
    assert await workspace.version() == before + 1
    assert [one.action for one in await instance.audited()].count("apply_proposal") == 1


@pytest.mark.parametrize("operation", ["createProposal", "updateFlagState", "deleteFlag"])
async def test_of_the_same_change_proposed_at_one_moment_one_proposal_comes(
    instance: Instance, workspace: Workspace, operation: str
) -> None:
    agent = await instance.token(workspace.org, approvalRequired=True)
    arguments = {
        "createProposal": {
            "envId": workspace.environment_id,
            "kind": "kill_flag",
            "resourceKey": "banner",
            "diff": {},
        },
        "updateFlagState": {**workspace.banner, "defaultValue": "bye"},
        "deleteFlag": {"projectId": workspace.project_id, "key": "banner"},
    }[operation]
    made = await asyncio.gather(*(agent.make(operation, **arguments) for _ in range(WRITERS)))
    assert len({one["id"] for one in made}) == 1
    found = await workspace.org.viewer.make("proposals")
    assert [one["id"] for one in found] == [made[0]["id"], workspace.proposal_id]
    assert [one.action for one in await instance.audited()].count("propose") == 1


@pytest.mark.parametrize("other", ["a review", "a cancel", "a write"])
async def test_an_apply_beside_what_stands_against_it_is_before_it_or_is_not(
    instance: Instance, workspace: Workspace, other: str
) -> None:
    org, it = workspace.org, {"proposalId": workspace.proposal_id}
    operation, arguments, refused_by_apply, refuses_apply = {
        "a review": ("reviewProposal", {**it, "verdict": "request_changes"}, "proposal_gone", "approval_missing"),
        "a cancel": ("cancelProposal", it, "proposal_gone", "proposal_gone"),
        "a write": ("killFlag", workspace.checkout, None, "version_drift"),
    }[other]
    calls = [org.admin.do("applyProposal", **it), org.editor.do(operation, **arguments)]
    applied, done = await asyncio.gather(*calls)
    assert (applied.code, done.code) in {(None, refused_by_apply), (refuses_apply, None)}
    value = (await org.viewer.make("flagState", **workspace.banner))["defaultValue"]
    assert value == ("bye" if applied.code is None else "hello")


async def test_a_proposal_that_is_being_applied_as_its_time_ends_is_not_swept(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    admin = (await workspace.org.admin.make("me"))["actor"]
    async with instance.node.unit("req_test", Member(admin["id"], admin["name"], "session", proven=True)) as uow:
        await apply_proposal(uow, workspace.proposal_id, {}, IfMatch())
        clock.ahead = timedelta(days=8)
        sweeping = asyncio.create_task(expire_proposals(instance.node))
        await until_it_waits(instance, sweeping)
    await sweeping
    assert (await workspace.org.viewer.make("proposal", proposalId=workspace.proposal_id))["status"] == "applied"
    actions = [one.action for one in await instance.audited() if one.proposal_id == workspace.proposal_id]
    assert actions == ["apply_proposal"]
