"""The same bad input gives the same code, status, fields and message on both transports.

The faults are made from the schemas of the commands, so that a new operation is tried without being named here.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette

from app.domain.commands import Command, NoBody, names_of
from app.domain.ids import digest
from app.models.invitations import InvitationSecret
from tests.behaviour.test_roles import MAKING_NOTHING, READS, WRITES
from tests.clients import ENDPOINTS, Api, GraphQLApi, Reply, RestApi
from tests.clock import now
from tests.conformance import DOCUMENT
from tests.conftest import client_of
from tests.factories import Instance, Workspace, invitation_of

Json = dict[str, Any]

UNKNOWN_ID = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"
ADDRESSES = {
    "slug",
    "orgSlug",
    "projectId",
    "environmentId",
    "userId",
    "invitationId",
    "apiKeyId",
    "sessionId",
    "proposalId",
}
ANYBODYS: dict[str, Json] = {
    "createOrg": {"slug": "new", "name": "New"},
    "installClaim": {"email": "a@example.com", "orgName": "New", "orgSlug": "new", "claimCode": "x"},
    "requestMagicLink": {"email": "a@example.com"},
    "redeemLink": {"token": "x"},
    "updateMe": {"displayName": "Ada", "notify": {"proposed": False}},
    "deleteMe": {"confirm": "somebody@example.com"},
}
OF_THE_PLACE = {
    **WRITES,
    "evaluate": lambda workspace: {"environmentId": workspace.environment_id, "context": {}, "keys": ["banner"]},
    "preview": READS["preview"],
    "history": READS["history"],
    **MAKING_NOTHING,
}
MADE = ("acceptInvitation", "deleteSession")
WITHOUT_FAULTS = {
    "logout": "takes nothing",
    "deleteOtherSessions": "takes nothing",
    "signUp": "is not there on a self-hosted instance",
}
OPERATIONS = [*OF_THE_PLACE, *ANYBODYS, *MADE]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and with what."""

    name: str
    arguments: Json


def test_every_writing_operation_is_tried() -> None:
    writing = {name for name, endpoint in ENDPOINTS.items() if not endpoint.safe}
    assert writing == {*OPERATIONS, *WITHOUT_FAULTS}


@pytest.fixture
async def apis(app: Starlette) -> AsyncIterator[tuple[Instance, Instance]]:
    """One instance, seen over each transport."""
    made = Instance(app, RestApi, client_of), Instance(app, GraphQLApi, client_of)
    yield made
    for instance in made:
        await instance.close()


@pytest.fixture
def workspace(seeded: Any, apis: tuple[Instance, Instance]) -> tuple[Workspace, Workspace]:
    """The workspace, seen over each transport."""
    return apis[0].over(seeded.workspace), apis[1].over(seeded.workspace)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_fault_is_told_alike(
    apis: tuple[Instance, Instance], workspace: tuple[Workspace, Workspace], operation: str
) -> None:
    good = await _good(operation, apis[0], workspace[0])
    async with apis[0].unchanged():
        for fault in [*_faults(operation, good), *_wrong_ids(operation, good)]:
            rest, graphql = [
                await _caller(operation, *seen).do(operation, **fault.arguments)
                for seen in zip(apis, workspace, strict=True)
            ]
            where = f"{fault.name}: {rest} but {graphql}"
            assert rest.code is not None, where
            assert (rest.code, rest.status) == (graphql.code, graphql.status), where
            assert _told(rest) == _told(graphql), where


def _caller(operation: str, instance: Instance, workspace: Workspace) -> Api:
    return instance.anonymous() if operation == "acceptInvitation" else workspace.org.owner


def _told(reply: Reply) -> tuple[str, dict[str, str]]:
    """What is said. Each transport has its own way of writing enums, and GraphQL has more members in one input."""
    return reply.message, {path: said.partition(" Known fields:")[0].lower() for path, said in reply.fields.items()}


async def _good(operation: str, instance: Instance, workspace: Workspace) -> Json:
    """Input without a fault."""
    if operation == "deleteSession":
        (session,) = await workspace.org.owner.make("sessions")
        return {"sessionId": session["id"]}
    if operation == "acceptInvitation":
        invitation = invitation_of(workspace.project["orgId"], "new@example.com")
        async with instance.node.database.writing() as session:
            session.add(invitation)
            await session.flush()
            secret = digest("sbi_of_the_test")
            session.add(InvitationSecret(created_at=now(), invitation_id=invitation.id, secret_hash=secret))
            await session.commit()
        return {"token": "sbi_of_the_test", "displayName": "New"}
    return OF_THE_PLACE[operation](workspace) if operation in OF_THE_PLACE else ANYBODYS[operation]


def _command(operation: str) -> type[Command]:
    return ENDPOINTS[operation].body or NoBody


def _wrong_ids(operation: str, good: Json) -> Iterator[Fault]:
    for name in ADDRESSES & set(good) - names_of(_command(operation)):
        for wrong in ("x", UNKNOWN_ID, "\0", "A B"):
            yield Fault(f"{name} is {wrong!r}", {**good, name: wrong})


def _faults(operation: str, good: Json) -> Iterator[Fault]:
    command = _command(operation)
    schema = DOCUMENT["components"]["schemas"].get(command.__name__, {"properties": {}})
    yield Fault("an unknown field", {**good, "nonsense": 1})
    for name in schema.get("required", ()):
        yield Fault(f"no {name}", {key: value for key, value in good.items() if key != name})
    for name in names_of(command):
        member = _resolved(schema["properties"][name])
        for what, value in [*_wrong_values(member), *_wrong_within(member)]:
            if (ENDPOINTS[operation].method, value) not in LENIENT:
                yield Fault(f"{name} is {what}", {**good, name: value})


def _resolved(schema: Json) -> Json:
    """A member's schema without references and without null."""
    if "$ref" in schema:
        found: Json = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return _resolved(found)
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return {**_resolved(choices[0]), "nullable": True} if len(choices) == 1 else schema


LENIENT = [("DELETE", "true")]  # a DELETE's members may stand in the query, as text
WRONG_TYPES: dict[str, list[Any]] = {
    "string": [7, 1.5, True, ["x"], {}],
    "integer": ["x", "1", 1.5, [1], {}, True],
    "boolean": ["true", "1", 1, 0, 1.0, [True], {}],
    "array": [{"a": 1}, 7, "x", True],
    "object": ["x", 7, True, []],
}


def _wrong_within(schema: Json) -> Iterator[tuple[str, Any]]:
    """Wrong entries of a list, and wrong members of an object of which every one is optional."""
    if schema.get("type") == "array":
        for what, value in _wrong_values(_resolved(schema["items"])):
            yield f"a list with one {what}", [value]
    for name, member in schema.get("properties", {}).items():
        resolved = _resolved(member)
        for what, value in [*_wrong_values(resolved), *_wrong_within(resolved)]:
            yield f"an object whose {name} is {what}", {name: value}


def _wrong_values(schema: Json) -> Iterator[tuple[str, Any]]:
    for value in WRONG_TYPES.get(schema.get("type", ""), ()):
        yield f"of the wrong type, {value!r}", value
    if "enum" in schema:
        yield "no member", "nonsense"
        return
    if schema.get("type", "object") != "object" and not schema.get("nullable"):  # an object is JSON to GraphQL
        yield "null", None
    yield from _out_of_bounds(schema)


def _out_of_bounds(schema: Json) -> Iterator[tuple[str, Any]]:
    if schema.get("type") == "string":
        yield "with a NUL", "a\0b"
        if "maxLength" in schema:
            yield "too long", "x" * (schema["maxLength"] + 1)
            yield "too long in code points", "\N{GRINNING FACE}" * (schema["maxLength"] + 1)
        if "minLength" in schema or "pattern" in schema:
            yield "empty", ""
        if "pattern" in schema:
            yield "of the wrong grammar", "Not A Slug"
            yield "too long for the grammar", "x" * 129
    if "minimum" in schema:
        yield "too small", schema["minimum"] - 1
    if "maximum" in schema:
        yield "too large", schema["maximum"] + 1
    if "minItems" in schema:
        yield "too short", []
