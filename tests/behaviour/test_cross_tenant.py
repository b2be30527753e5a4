"""Another tenant's id is as good as one that never existed: the answers are equal but for the request's id.

Both surfaces are walked by themselves: every path of the OpenAPI document, every GraphQL field that takes an id.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)

from app.graphql.schema import schema
from tests.clients import GraphQLApi
from tests.conformance import DOCUMENT
from tests.factories import Instance, Workspace

Ids = dict[str, Any]
SECRETS = {"token"}  # who holds one needs no tenancy
FOUNDING = {"installClaim", "signUp", "createOrg"}  # their slug is to be a new one, and one that is taken is said to be
NEVER = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"
NOBODY: Ids = {
    "slug": "never-was",
    "projectId": NEVER,
    "environmentId": NEVER,
    "apiKeyId": NEVER,
    "userId": NEVER,
    "invitationId": NEVER,
    "sessionId": NEVER,
    "flagId": NEVER,
    "stateId": NEVER,
    "configId": NEVER,
    "configStateId": NEVER,
    "segmentId": NEVER,
    "segmentStateId": NEVER,
    "orgId": NEVER,
    "proposalId": NEVER,
    "eventId": NEVER,
    "reviewId": NEVER,
}
SAME = {"orgSlug": "slug", "envId": "environmentId", "copyFromEnvId": "environmentId", "envs": "environmentId"}
SAME |= {
    "projects": "projectId",
    "fromEnvId": "environmentId",
    "against": "environmentId",
    "maintainerId": "userId",
    "environmentIds": "environmentId",
}
FILTERS = {"maintainerId"}
IN_HEADER = {"$ref": "#/components/parameters/Environment"}
OWN_FILTERS = {"auditEvents": {"envId", "actorId"}}
PLAIN = {"key": "banner", "name": "x", "type": "BOOLEAN", "defaultValue": True, "context": {}, "role": "VIEWER"}
PLAIN |= {"email": "new@example.com", "level": "OBSERVER", "resources": ["*"], "rules": []}
PLAIN |= {"contexts": [{}]}
PLAIN |= {"resourceKey": "banner", "kind": "SET_DEFAULT_VALUE_FLAG", "diff": {"defaultValue": "x"}}
PLAIN |= {"allowList": ["x"], "denyList": ["x"], "spotCheck": [{}]}


async def ids_of(instance: Instance, workspace: Workspace) -> Ids:
    viewer = workspace.org.viewer
    state = await viewer.make("flagState", **workspace.banner)
    config, segment = (
        await viewer.make("configState", **workspace.limits),
        await viewer.make("segmentState", **workspace.staff),
    )
    return {
        "slug": workspace.org.slug,
        "projectId": workspace.project_id,
        "environmentId": workspace.environment_id,
        "apiKeyId": workspace.api_key["id"],
        "userId": (await workspace.org.admin.make("me"))["actor"]["id"],
        "invitationId": workspace.invitation_id,
        "sessionId": (await workspace.org.admin.make("sessions"))[0]["id"],
        "flagId": state["primitiveId"],
        "stateId": state["id"],
        "configId": config["primitiveId"],
        "configStateId": config["id"],
        "segmentId": segment["primitiveId"],
        "segmentStateId": segment["id"],
        "orgId": (await workspace.org.viewer.make("org", slug=workspace.org.slug))["id"],
        "proposalId": workspace.proposal_id,
        "eventId": workspace.event_id,
        "reviewId": await instance.reviewed(workspace),
    }


@dataclass(frozen=True, slots=True)
class Tenants:
    """The ids of two, and the tokens of the second, who is to find nothing of the first's."""

    foreign: Ids
    own: Ids
    theirs: Workspace
    tokens: dict[str, str]

    def callers(self, instance: Instance) -> dict[str, Any]:
        """Who asks."""
        owner = instance.over(self.theirs).org.owner
        return {"owner": owner, **{who: instance.bearer(token) for who, token in self.tokens.items()}}


async def two_tenants(instance: Instance, workspace: Workspace) -> Tenants:
    theirs = await instance.workspace(await instance.org("theirs"))
    single = {"environments": {"envs": [theirs.environment_id]}}
    tokens = {
        "token": await instance.minted(theirs.org, rateLimitPerMin=60_000),
        "client": await instance.minted(theirs.org, level="client", rateLimitPerMin=60_000, **single),
    }
    foreign, own = await ids_of(instance, workspace), await ids_of(instance, theirs)
    return Tenants(foreign, own, theirs, {who: minted["token"] for who, minted in tokens.items()})


def plain(text: str) -> str:
    """An answer without what differs from one request to the next."""
    body = json.loads(text) if text else None
    return json.dumps(_without_request(body), sort_keys=True)


def _without_request(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_request(one) for name, one in value.items() if name != "requestId"}
    return [_without_request(one) for one in value] if isinstance(value, list) else value


def headers_of(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name != "x-request-id"}


def rest_calls() -> Iterator[tuple[str, str]]:
    for path, item in DOCUMENT["paths"].items():
        for method in item:
            parameters = item[method].get("parameters", ())
            names = {one["name"] for one in parameters if one.get("in") == "path"}
            if names - SECRETS or IN_HEADER in parameters:
                yield method.upper(), path


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
@pytest.mark.parametrize(("method", "path"), list(rest_calls()))
@pytest.mark.filled(by=two_tenants)
async def test_a_path_of_another_tenant_is_as_if_it_never_was(
    instance: Instance, found: Tenants, method: str, path: str
) -> None:
    foreign, own = found.foreign, found.own
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    bodies: list[Any] = [None] if method == "GET" else [None, {}, {"confirm": foreign["slug"]}, PLAIN]
    strangers = found.callers(instance)
    async with instance.unchanged():
        for who, caller in strangers.items():
            for body in bodies:
                for strange in _choices([name for name in names if _known(name)]):
                    answers = [
                        await caller.client.request(
                            method,
                            _filled(path, strange, ids, own),
                            json=body,
                            headers={"X-Signalbox-Env": ids["environmentId"]},
                        )
                        for ids in (foreign, NOBODY)
                    ]
                    assert plain(answers[0].text) == plain(answers[1].text), (who, body, strange)
                    assert headers_of(answers[0]) == headers_of(answers[1])
                    assert answers[0].status_code == answers[1].status_code
                    assert body is not None or answers[0].status_code in {403, 404}


def _choices(names: list[str]) -> Iterator[set[str]]:
    """Which ids are another tenant's: all, or one beside one's own."""
    yield set(names)
    if len(names) > 1:
        yield from ({name} for name in names)


def _known(name: str) -> bool:
    return SAME.get(name, name) in NOBODY


def _filled(path: str, strange: set[str], ids: Ids, own: Ids) -> str:
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        known = SAME.get(name, name)
        value = (ids if name in strange else own)[known] if known in NOBODY else PLAIN[name]
        path = path.replace(f"{{{name}}}", value)
    return path


def is_one_of(kind: GraphQLInputObjectType) -> bool:
    return bool(kind.extensions["strawberry-definition"].is_one_of)


def identifying(field: Any) -> dict[str, Any]:
    """The arguments of a field, and of its input object, that name things by id or slug."""
    found = {}
    for name, argument in field.args.items():
        kind = get_named_type(argument.type)
        members = kind.fields if isinstance(kind, GraphQLInputObjectType) else {name: argument}
        for member, its in members.items():
            inner = get_named_type(its.type)
            if isinstance(inner, GraphQLInputObjectType) and is_one_of(inner):
                found["envs"] = inner.fields["envs"]  # of three that stand for each other
            elif _known(member) or (inner.name == "ID" and member not in SECRETS):
                found[member] = its
    return found


def fields() -> Iterator[tuple[str, str]]:
    core = schema._schema
    for root in (core.query_type, core.mutation_type, core.subscription_type):
        if root is not None:
            yield from (
                (root.name, name) for name, field in root.fields.items() if name not in FOUNDING and identifying(field)
            )
    for kind in core.type_map.values():
        if isinstance(kind, GraphQLObjectType) and any(one.name == "Node" for one in kind.interfaces):
            yield from ((kind.name, name) for name, field in kind.fields.items() if identifying(field))


def test_every_argument_that_is_an_id_is_known() -> None:
    core = schema._schema
    for owner, name in fields():
        kind: Any = core.type_map[owner]
        unknown = {one for one in identifying(kind.fields[name]) if one != "id" and not _known(one)}
        assert not unknown, (owner, name)


OWN_NODE = {
    "Org": "orgId",
    "Project": "projectId",
    "Environment": "environmentId",
    "Flag": "flagId",
    "FlagState": "stateId",
    "Config": "configId",
    "ConfigState": "configStateId",
    "Segment": "segmentId",
    "SegmentState": "segmentStateId",
}


@pytest.mark.parametrize("instance", ["graphql"], indirect=True)
@pytest.mark.parametrize(("owner", "name"), [one for one in fields() if one[0] != "Subscription"])
@pytest.mark.filled(by=two_tenants)
async def test_a_field_that_names_another_tenants_is_as_if_it_named_nothing(
    instance: Instance, found: Tenants, owner: str, name: str
) -> None:
    foreign, own = found.foreign, found.own
    kind: Any = schema._schema.type_map[owner]
    document, field = document_of(owner, name), kind.fields[name]
    names = list(identifying(field))
    strangers = found.callers(instance)
    async with instance.unchanged():
        for who, caller in strangers.items():
            assert isinstance(caller, GraphQLApi)
            for strange in _choices(names):
                for one in NOBODY if "id" in strange else ("none",):  # a bare `id` may be anybody's
                    variables = [_variables(field, strange, ids, own, one) for ids in (foreign, NOBODY)]
                    node = {} if owner in {"Query", "Mutation"} else {"node": own[OWN_NODE[owner]]}
                    answers = [await caller.run(document, {**given, **node}) for given in variables]
                    assert plain(json.dumps(answers[0])) == plain(json.dumps(answers[1])), (who, variables)
                    if owner == "Query" and strange <= FILTERS | OWN_FILTERS.get(name, set()):
                        assert answers[0]["data"] is not None  # of a list in which there is nothing
                    elif who == "owner" and owner in {"Query", "Mutation"} and name != "node":
                        codes = {error["extensions"]["code"] for error in answers[0]["errors"]}
                        assert codes == {"not_found"}, (answers[0], variables)


def document_of(owner: str, name: str) -> str:
    kind: Any = schema._schema.type_map[owner]
    field: GraphQLField = kind.fields[name]
    declared = ", ".join(f"${one}: {argument.type}" for one, argument in field.args.items())
    given = ", ".join(f"{one}: ${one}" for one in field.args)
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    call = f"{name}({given}){selection}"
    if owner in {"Query", "Mutation", "Subscription"}:
        return f"{owner.lower()}({declared}) {{ {call} }}"
    return f"query({declared}, $node: ID!) {{ node(id: $node) {{ ... on {owner} {{ {call} }} }} }}"


def _variables(field: GraphQLField, strange: set[str], ids: Ids, own: Ids, one: str) -> Ids:
    return {
        name: value
        for name, argument in field.args.items()
        if (value := _value(name, argument.type, strange, ids, own, one)) is not None
    }


def _value(name: str, kind: Any, strange: set[str], ids: Ids, own: Ids, one: str) -> Any:
    """A value of the type: ids where the name says so, what is required besides, and nothing else."""
    required = isinstance(kind, GraphQLNonNull)
    kind = kind.of_type if required else kind
    named, many = get_named_type(kind), isinstance(kind, GraphQLList)
    if isinstance(named, GraphQLInputObjectType):
        if not required:
            return None
        return [] if many else _object(named, strange, ids, own, one)
    if name == "id":
        value = (ids if "id" in strange else own)[one if "id" in strange else "apiKeyId"]
    elif _known(name):
        value = (ids if name in strange else own)[SAME.get(name, name)]
    elif not required and name != "key":
        return None
    elif isinstance(named, GraphQLEnumType):
        return PLAIN.get(name, next(iter(named.values)))
    else:
        return PLAIN.get(name, 1 if named.name == "Int" else "x")
    return [value] if many else value


def _object(kind: GraphQLInputObjectType, strange: set[str], ids: Ids, own: Ids, one: str) -> Ids:
    members = {
        member: value
        for member, field in kind.fields.items()
        if (value := _value(member, field.type, strange, ids, own, one)) is not None
    }
    return {"envs": members["envs"]} if is_one_of(kind) else members
