"""Who may do what: each route and its GraphQL twin, tried by one person of each role, held to the policy's table."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.actors import Role
from app.domain.policy import TABLE
from tests.clients import ENDPOINTS
from tests.documents import DOCUMENTS
from tests.factories import Instance, Place

Arguments = Callable[[Place], dict[str, Any]]

_ORG: Arguments = lambda place: {"slug": place.org.slug}  # noqa: E731
_PROJECT: Arguments = lambda place: {"projectId": place.project_id}  # noqa: E731
_ENVIRONMENT: Arguments = lambda place: {"environmentId": place.environment_id}  # noqa: E731
_FLAG: Arguments = lambda place: {"projectId": place.project_id, "key": "banner"}  # noqa: E731
_STATE: Arguments = lambda place: place.banner  # noqa: E731

READS: dict[str, Arguments] = {
    "org": _ORG,
    "projects": lambda place: {"orgSlug": place.org.slug},
    "project": _PROJECT,
    "environments": _PROJECT,
    "environment": _ENVIRONMENT,
    "flags": _PROJECT,
    "flag": _FLAG,
    "flagStates": _ENVIRONMENT,
    "flagState": _STATE,
    "ruleset": _ENVIRONMENT,
    "members": lambda place: {"orgSlug": place.org.slug},
    "member": lambda place: place.guest,
    "evaluate": lambda place: {**_ENVIRONMENT(place), "context": {}},
}
FOR_ADMINS: dict[str, Arguments] = {
    "apiKeys": lambda place: {"orgSlug": place.org.slug},
    "apiKey": lambda place: place.key_of_api,
    "invitations": lambda place: {"orgSlug": place.org.slug},
}
WRITES: dict[str, Arguments] = {
    "updateOrg": lambda place: {**_ORG(place), "name": "Renamed"},
    "deleteOrg": lambda place: {**_ORG(place), "confirm": place.org.slug},
    "createProject": lambda place: {"orgSlug": place.org.slug, "key": "new", "name": "New"},
    "updateProject": lambda place: {**_PROJECT(place), "name": "Renamed"},
    "deleteProject": lambda place: {**_PROJECT(place), "confirm": "web"},
    "createEnvironment": lambda place: {**_PROJECT(place), "key": "new", "name": "New"},
    "updateEnvironment": lambda place: {**_ENVIRONMENT(place), "name": "Renamed"},
    "deleteEnvironment": lambda place: {**_ENVIRONMENT(place), "confirm": "prod"},
    "createFlag": lambda place: {**_PROJECT(place), "key": "new", "type": "boolean", "defaultValue": True},
    "updateFlag": lambda place: {**_FLAG(place), "description": "Changed."},
    "deleteFlag": _FLAG,
    "replaceFlagState": lambda place: {**_STATE(place), "defaultValue": "changed", "rules": []},
    "updateFlagState": lambda place: {**_STATE(place), "defaultValue": "changed"},
    "killFlag": _STATE,
    "restoreFlag": _STATE,
    "updateMember": lambda place: {**place.guest, "role": "editor"},
    "removeMember": lambda place: place.guest,
    "createInvitation": lambda place: {"orgSlug": place.org.slug, "email": "new@example.com", "role": "viewer"},
    "revokeInvitation": lambda place: place.invitation,
    "createApiKey": lambda place: {
        "orgSlug": place.org.slug,
        "name": "new",
        "level": "client",
        "environments": {"envs": [place.environment_id]},
        "resources": ["*"],
    },
    "renewApiKey": lambda place: {**place.key_of_api, "expiresInSeconds": 60},
    "revokeApiKey": lambda place: place.key_of_api,
}
CALLS = READS | FOR_ADMINS | WRITES
FOR_ANYBODY_SIGNED_IN = {"createOrg", "orgs", "me", "deleteMe", "sessions", "deleteSession"}
FOR_EVERYBODY = {"installClaim", "requestMagicLink", "redeemLink", "signUp", "logout", "errorCatalog"}
FOR_EVERYBODY |= {"invitation", "acceptInvitation"}


def test_every_route_is_tried() -> None:
    assert set(ENDPOINTS) == set(CALLS) | FOR_ANYBODY_SIGNED_IN | FOR_EVERYBODY
    assert set(DOCUMENTS) == set(ENDPOINTS)


@pytest.mark.parametrize("operation", FOR_ADMINS | WRITES)
@pytest.mark.provokes("insufficient_role")
async def test_a_call_asks_for_its_role(instance: Instance, place: Place, operation: str) -> None:
    row = TABLE[ENDPOINTS[operation].operation or pytest.fail("a call without a row")]
    assert row.role is not None
    refused = [role for role in Role if role.rank < row.role.rank]
    async with instance.unchanged():
        for role in refused:
            reply = await place.org.of(role).do(operation, **CALLS[operation](place))
            assert (reply.code, reply.status) == ("insufficient_role", 403), role
    (await place.org.of(row.role).do(operation, **CALLS[operation](place))).unwrap()


@pytest.mark.parametrize("operation", WRITES)
async def test_a_higher_role_may_do_what_a_lower_one_may(place: Place, operation: str) -> None:
    (await place.org.owner.do(operation, **CALLS[operation](place))).unwrap()


async def test_every_role_reads_everything(place: Place) -> None:
    for operation, arguments in READS.items():
        assert TABLE[ENDPOINTS[operation].operation or pytest.fail(operation)].role is Role.VIEWER
        answers = [await place.org.of(role).make(operation, **arguments(place)) for role in Role]
        assert answers == [answers[0]] * len(Role), operation


@pytest.mark.provokes("not_found")
async def test_a_stranger_finds_nothing(instance: Instance, place: Place) -> None:
    stranger = (await instance.org("strangers")).owner
    async with instance.unchanged():
        for operation, arguments in CALLS.items():
            reply = await stranger.do(operation, **arguments(place))
            assert (reply.code, reply.status, reply.fields) == ("not_found", 404, {}), operation


@pytest.mark.provokes("unauthorized")
async def test_a_caller_without_credentials_gets_nowhere(instance: Instance, place: Place) -> None:
    async with instance.unchanged():
        for operation, arguments in {
            **CALLS,
            "createOrg": lambda _: {"slug": "x", "name": "x"},
            "me": lambda _: {},
        }.items():
            reply = await instance.anonymous().do(operation, **arguments(place))
            assert (reply.code, reply.status) == ("unauthorized", 401), operation


@pytest.mark.parametrize("wrong", ["", "x", "0" * 36, "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9", "\u0000", "ä", "%2e"])
async def test_an_id_that_names_nothing_is_not_found(instance: Instance, place: Place, wrong: str) -> None:
    names = ("projectId", "environmentId", "slug", "orgSlug", "userId", "invitationId")
    async with instance.unchanged():
        for operation, arguments in CALLS.items():
            given = arguments(place)
            given |= {name: wrong or "-" for name in names if name in given}
            reply = await place.org.owner.do(operation, **given)
            assert (reply.code, reply.status) == ("not_found", 404), operation


@pytest.mark.parametrize("operation", [name for name, given in CALLS.items() if given in (_FLAG, _STATE)])
@pytest.mark.parametrize("key", ["none", "BANNER", "\u0000", "x" * 200])
async def test_a_key_that_names_nothing_is_not_found(
    instance: Instance, place: Place, operation: str, key: str
) -> None:
    async with instance.unchanged():
        for role in (Role.VIEWER, Role.OWNER):  # for people a key counts among the ids, before the role
            reply = await place.org.of(role).do(operation, **{**CALLS[operation](place), "key": key})
            assert (reply.code, reply.status) == ("not_found", 404), role


async def test_refusals_at_one_moment_do_not_disturb_a_write(place: Place) -> None:
    refused, written = await asyncio.gather(
        asyncio.gather(*(place.org.viewer.do("killFlag", **place.banner) for _ in range(20))),
        place.org.editor.do("killFlag", **place.banner),
    )
    assert {reply.code for reply in refused} == {"insufficient_role"}
    assert written.unwrap()["version"] == place.environment["version"] + 1
