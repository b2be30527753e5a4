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
