"""`node` of members, invitations and sessions: for those who may list them."""

from typing import Any

from tests.factories import Place
from tests.graphql.test_nodes import node


async def ids(place: Place) -> dict[str, Any]:
    (member,) = [
        one for one in await place.org.viewer.make("members", orgSlug=place.org.slug) if one["role"] == "admin"
    ]
    (session,) = await place.org.admin.make("sessions")
    return {"Member": member["id"], "Invitation": place.invitation_id, "Session": session["id"]}


async def test_who_may_list_them_finds_them(place: Place) -> None:
    for name, one in (await ids(place)).items():
        assert await node(place.org.admin, one) == {"__typename": name, "id": one}


async def test_who_may_not_finds_null(place: Place) -> None:
    found = await ids(place)
    assert await node(place.org.viewer, found["Member"]) is not None
    assert await node(place.org.viewer, found["Invitation"]) is None
    assert await node(place.org.owner, found["Session"]) is None
