"""Writes above and below each other at one moment: nobody waits for another in a circle, and nothing is lost."""

import asyncio
from typing import Any

import pytest

from tests.factories import Instance, Place

WRITERS = 10


def writers(place: Place) -> list[Any]:
    """So many changes of a state."""
    return [
        place.org.editor.do("updateFlagState", **place.banner, defaultValue=f"value {number}")
        for number in range(WRITERS)
    ]


async def test_an_organisations_field_changes_beside_writers_of_states(instance: Instance, place: Place) -> None:
    changes = [
        place.org.admin.do("updateOrg", slug=place.org.slug, defaultTargetIdField=f"field{number}")
        for number in range(WRITERS)
    ]
    before = await place.version()
    replies = await asyncio.gather(*(one for pair in zip(writers(place), changes, strict=True) for one in pair))
    assert {reply.code for reply in replies} == {None}
    assert await place.version() == before + 2 * WRITERS


@pytest.mark.parametrize("operation", ["deleteOrg", "deleteProject", "deleteEnvironment", "deleteFlag"])
async def test_a_delete_beside_writers_ends_their_writes(instance: Instance, place: Place, operation: str) -> None:
    arguments = {
        "deleteOrg": {"slug": place.org.slug, "confirm": place.org.slug},
        "deleteProject": {"projectId": place.project_id, "confirm": place.project["key"]},
        "deleteEnvironment": {"environmentId": place.environment_id, "confirm": place.environment["key"]},
        "deleteFlag": {"projectId": place.project_id, "key": place.banner["key"]},
    }[operation]
    before, after = writers(place), writers(place)
    replies = await asyncio.gather(*before, place.org.owner.do(operation, **arguments), *after)
    deleted = replies.pop(WRITERS)
    assert deleted.code is None, deleted
    assert {reply.code for reply in replies} <= {None, "not_found"}
    assert (await place.org.editor.do("updateFlagState", **place.banner, defaultValue="late")).code == "not_found"


async def test_two_links_of_one_new_person_both_sign_in(instance: Instance, place: Place) -> None:
    await place.org.admin.make("createInvitation", orgSlug=place.org.slug, email="eve@example.com", role="editor")
    for _ in range(3):
        await instance.anonymous().make("requestMagicLink", email="eve@example.com")
    links = [one for one in await instance.mails("eve@example.com") if one.subject == "Sign in to Signalbox"]
    replies = await asyncio.gather(*(instance.anonymous().do("redeemLink", token=one.secret) for one in links))
    assert [reply.code for reply in replies] == [None] * 3
    members = await place.org.viewer.make("members", orgSlug=place.org.slug)
    assert [one["role"] for one in members if one["email"] == "eve@example.com"] == ["editor"]


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
