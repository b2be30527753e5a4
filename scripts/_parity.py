# Every operation with its REST route, its GraphQL field and its rows of the policy, as the code has them.

import re
from collections.abc import Iterator
from dataclasses import dataclass

from graphql import GraphQLObjectType, get_named_type

from app.graphql.schema import schema
from app.rest.app import TABLE
from app.rest.routing import Endpoint

# What one side has alone, and why.
REST_ONLY = {
    "streamRuleset": "is server-sent events; `environmentChanged` subscribes to the same",
    "streamEvaluations": "speaks OpenFeature's protocol; `environmentChanged` subscribes to the same",
    "openapi": "describes REST; GraphQL has introspection",
    "evaluateFlag": "speaks OpenFeature's protocol; `evaluate` answers the same",
    "evaluateFlags": "speaks OpenFeature's protocol; `evaluate` answers the same",
}
GRAPHQL_ONLY = {
    "node": "finds by id what REST finds by path",
    "primitives": "lists at once what REST lists by kind",
    "states": "lists at once what REST lists by kind",
    **{
        f"{of}AuditEvents": f"lists by {of} what REST lists by organisation"
        for of in ("org", "project", "environment", "flag", "config", "segment")
    },
    "orgProposals": "lists by organisation what REST lists at once",
    "flagProposals": "lists by flag what REST lists by project",
    "configProposals": "lists by config what REST lists by project",
    "segmentProposals": "lists by segment what REST lists by project",
    "environmentChanged": "tells over WebSocket which keys a new version changed; `ruleset?since=` has the versions",
    "proposalsChanged": "tells over WebSocket of what REST lists",
    "projectChanged": "tells over WebSocket of what REST reads",
}

# What asks no row of the policy, and why.
WITHOUT_ROW = {
    "acceptInvitation": "anyone with the invitation link",
    "deleteMe": "the signed-in person",
    "deleteOtherSessions": "the signed-in person",
    "deleteSession": "the signed-in person",
    "errorCatalog": "anyone",
    "installClaim": "anyone with the claim code",
    "invitation": "anyone with the invitation link",
    "logout": "the signed-in person",
    "me": "the caller",
    "openapi": "anyone",
    "redeemLink": "anyone with the link",
    "requestMagicLink": "anyone",
    "sessions": "the signed-in person",
    "signUp": "anyone, on a hosted instance",
    "updateMe": "the signed-in person",
}


@dataclass(frozen=True, slots=True)
class Line:
    """An operation on both sides; what is missing is None."""

    name: str
    endpoint: Endpoint | None
    field: str | None

    @property
    def route(self) -> str:
        return f"{self.endpoint.method} {self.endpoint.address}" if self.endpoint else ""

    @property
    def rows(self) -> list[str]:
        if self.endpoint is None or self.endpoint.operation is None:
            return []
        return [operation.value for operation in self.endpoint.operations]


def graphql_name(endpoint: Endpoint) -> str:
    """GraphQL's name for a route: its queries are nouns, `flag` for `getFlag` and `flags` for `listFlags`."""
    if endpoint.name == "listErrors":
        return "errorCatalog"
    return re.sub("^(?:get|list)([A-Z])", lambda verb: verb[1].lower(), endpoint.name)


def lines() -> list[Line]:
    """REST's operations in the order of the route table, then what GraphQL has alone."""
    fields = dict(_fields())
    of_rest = [Line(name, endpoint, fields.get(name)) for endpoint in TABLE for name in [graphql_name(endpoint)]]
    known = {line.name for line in of_rest}
    return of_rest + [Line(name, None, field) for name, field in fields.items() if name not in known]


def _fields() -> Iterator[tuple[str, str]]:
    """By name: the lists that hang on a type, then the root fields, which count where both have the name."""
    inner = schema._schema  # noqa: SLF001
    roots = [one for one in (inner.query_type, inner.mutation_type, inner.subscription_type) if one is not None]
    for kind in inner.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind not in roots:
            for name, field in kind.fields.items():
                if get_named_type(field.type).name.endswith("Connection"):
                    of_several = name in {"proposals", "auditEvents", "history"}
                    called = f"{kind.name.lower()}{name[0].upper()}{name[1:]}" if of_several else name
                    yield called, f"{kind.name}.{name}"
    for root in roots:
        for name in root.fields:
            yield name, f"{root.name}.{name}"
