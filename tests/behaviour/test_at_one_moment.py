"""Writes above and below each other at one moment: nobody waits for another in a circle, and nothing is lost."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.rate_limits import Allowance
from app.services import links
from app.services.sessions import delete_other_sessions, start_session
from tests.clients import Reply
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


async def until_it_waits(instance: Instance, asked: asyncio.Task[Reply]) -> None:
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
