"""Tokens in GraphQL, where they are called API keys."""

from datetime import datetime
from typing import Annotated

import strawberry

from app.access.etags import api_key_etag
from app.domain.actors import Verb
from app.domain.policy import ResourceType
from app.graphql.abilities import Abilities, viewer_can
from app.graphql.actors import Actor
from app.graphql.context import Info, listing
from app.graphql.enums import describe
from app.graphql.inputs import Input, body_of, if_match, if_match_field, reason_field
from app.graphql.relay import After, Before, Connection, First, Last, Node
from app.graphql.scalars import Time
from app.models import ApiKey as ApiKeyRow
from app.services import api_keys
from app.services.api_keys import Level

describe(
    Level,
    "TokenLevel",
    "A template of actions.",
    {
        Level("client"): "EVALUATE: what a public browser may hold.",
        Level("observer"): "READ.",
        Level("proposer"): "READ and PROPOSE.",
        Level("operator"): "What a proposer may, and TOGGLE.",
        Level("maintainer"): "What an operator may, and WRITE and PROMOTE.",
        Level("admin"): "What a maintainer may, and DELETE.",
    },
)
describe(
    Verb,
    "TokenAction",
    "What a token may do. READ includes EVALUATE.",
    {
        Verb.EVALUATE: "Evaluate flags and configs.",
        Verb.READ: "Read projects, environments, primitives and their states, and evaluate.",
        Verb.PROPOSE: "Propose changes for a person to apply.",
        Verb.WRITE: "Create, and change identities and states.",
        Verb.TOGGLE: "Kill and restore flags.",
        Verb.PROMOTE: "Take over states from another environment.",
        Verb.DELETE: "Delete what may be deleted by tokens.",
    },
)

OrgSlug = Annotated[str, strawberry.argument(description="The slug of its organisation.")]
ApiKeyId = Annotated[strawberry.ID, strawberry.argument(description="The token's id.")]


@strawberry.type(description="Where a token reaches: one of the three, the others are null.")
class TokenEnvironments:
    org: bool | None = strawberry.field(description="The whole organisation.")
    projects: list[strawberry.ID] | None = strawberry.field(description="Whole projects, by their ids.")
    envs: list[strawberry.ID] | None = strawberry.field(description="Single environments, by their ids.")


@strawberry.type(description="A token: what machines call with. Only its expiry can change.")
class ApiKey(Node):
    name: str = strawberry.field(description="What people call it.")
    level: Level | None = strawberry.field(
        description="The template its actions are from; null for a choice of one's own."
    )
    actions: list[Verb] = strawberry.field(description="What it may do.")
    environments: TokenEnvironments = strawberry.field(description="Where it reaches.")
    resources: list[str] = strawberry.field(
        description="Which keys: `*`, whole keys, and prefixes such as `payments.*`."
    )
    rate_limit_per_min: int = strawberry.field(description="Requests a minute.")
    approval_required: bool = strawberry.field(description="Whether its changes wait for a person.")
    ip_allowlist: list[str] = strawberry.field(description="Where it may be used from; from anywhere if empty.")
    expires_at: Time | None = strawberry.field(description="When it ends; null for never.")
    last_used_at: Time | None = strawberry.field(description="When it was last used, to about a minute.")
    hint: str = strawberry.field(description="How its secret begins.")
    minted_by: Actor = strawberry.field(description="Who made it.")
    created_at: Time = strawberry.field(description="When it was made.")
    updated_at: Time = strawberry.field(description="When it was last renewed.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.API_KEY)

    @classmethod
    def of(cls, row: ApiKeyRow) -> "ApiKey":
        where = row.environments
        return cls(
            id=strawberry.ID(row.id),
            name=row.name,
            level=None if row.level is None else Level(row.level),
            actions=[Verb(action) for action in row.actions],
            environments=TokenEnvironments(
                org=where.get("org"), projects=where.get("projects"), envs=where.get("envs")
            ),
            resources=row.resources,
            rate_limit_per_min=row.rate_limit_per_min,
            approval_required=row.approval_required,
            ip_allowlist=row.ip_allowlist,
            expires_at=_time(row.expires_at),
            last_used_at=_time(row.last_used_at),
            hint=row.hint,
            minted_by=Actor.of(row.minted_by),
            created_at=Time(row.created_at),
            updated_at=Time(row.updated_at),
            etag=api_key_etag(row),
        )


def _time(at: datetime | None) -> Time | None:
    return None if at is None else Time(at)


@strawberry.input(one_of=True, description="Where a token reaches: exactly one of the three.")
class TokenEnvironmentsInput:
    org: bool | None = strawberry.field(default=strawberry.UNSET, description="True for the whole organisation.")
    projects: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Whole projects, by their ids."
    )
    envs: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Single environments, by their ids."
    )


@strawberry.input(description="A new token. It has either a level or actions.")
class CreateApiKeyInput:
    org_slug: str = strawberry.field(description="The organisation it belongs to.")
    name: str = strawberry.field(description="What people call it.")
    level: Level | None = strawberry.field(default=strawberry.UNSET, description="A template of actions.")
    actions: list[Verb] | None = strawberry.field(default=strawberry.UNSET, description="A choice of one's own.")
    environments: TokenEnvironmentsInput = strawberry.field(description="Where it reaches.")
    resources: list[str] = strawberry.field(
        description="Which keys: `*`, whole keys, and prefixes such as `payments.*`, each optionally after `flag:`, "
        "`config:` or `segment:`."
    )
    rate_limit_per_min: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="Requests a minute, up to the organisation's limit; 600 if nothing is said.",
    )
    expires_in_seconds: int | None = strawberry.field(
        default=strawberry.UNSET, description="When it ends, up to a year from now; never if nothing is said."
    )
    approval_required: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether its changes wait for a person."
    )
    ip_allowlist: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Networks (CIDRs) it may be used from; from anywhere if nothing is said."
    )


@strawberry.input(description="Which token to renew, and for how long.")
class RenewApiKeyInput:
    org_slug: str = strawberry.field(description="The organisation it belongs to.")
    api_key_id: strawberry.ID = strawberry.field(description="Which token.")
    expires_in_seconds: int | None = strawberry.field(
        default=strawberry.UNSET, description="When it ends, up to a year from now; null for never."
    )
    if_match: str | None = if_match_field()


@strawberry.input(description="Which token to revoke.")
class RevokeApiKeyInput:
    org_slug: str = strawberry.field(description="The organisation it belongs to.")
    api_key_id: strawberry.ID = strawberry.field(description="Which token.")
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()


@strawberry.type(description="A new token.")
class CreateApiKeyPayload:
    api_key: ApiKey = strawberry.field(description="The token.")
    token: str = strawberry.field(description="Its secret, to send as a bearer token. It is not shown again.")


@strawberry.type(description="A renewed token.")
class RenewApiKeyPayload:
    api_key: ApiKey = strawberry.field(description="The token as it is now; its secret is the same.")


@strawberry.type(description="A revoked token.")
class RevokeApiKeyPayload:
    api_key: ApiKey = strawberry.field(description="The token as it was.")


@strawberry.type
class ApiKeyQueries:
    @strawberry.field(description="A token of an organisation.")
    async def api_key(self, info: Info, org_slug: OrgSlug, id: ApiKeyId) -> ApiKey | None:
        async with info.context.unit() as uow:
            return ApiKey.of(await api_keys.get_api_key(uow, org_slug, id))

    @strawberry.field(description="The tokens of an organisation, oldest first, expired ones included.")
    async def api_keys(
        self,
        info: Info,
        org_slug: OrgSlug,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ApiKey] | None:
        page_args = listing(info, first=first, after=after, last=last, before=before)
        async with info.context.unit() as uow:
            page = await api_keys.list_api_keys(uow, org_slug, page_args)
        return Connection.of(info.context, page, lambda row: row.id, ApiKey.of)


@strawberry.type
class ApiKeyMutations:
    @strawberry.mutation(description="Mint a token.")
    async def create_api_key(self, info: Info, input: Input[CreateApiKeyInput]) -> CreateApiKeyPayload | None:
        async with info.context.unit() as uow:
            minted = await api_keys.create_api_key(uow, input.org_slug, body_of(input, "org_slug"))
        return CreateApiKeyPayload(api_key=ApiKey.of(minted.row), token=minted.secret)

    @strawberry.mutation(description="Move the expiry of a live token; its secret stays.")
    async def renew_api_key(self, info: Info, input: Input[RenewApiKeyInput]) -> RenewApiKeyPayload | None:
        body = body_of(input, "org_slug", "api_key_id")
        async with info.context.unit() as uow:
            row = await api_keys.renew_api_key(uow, input.org_slug, input.api_key_id, body, if_match(input))
        return RenewApiKeyPayload(api_key=ApiKey.of(row))

    @strawberry.mutation(description="Revoke a token, at once.")
    async def revoke_api_key(self, info: Info, input: Input[RevokeApiKeyInput]) -> RevokeApiKeyPayload | None:
        body = body_of(input, "org_slug", "api_key_id")
        async with info.context.unit() as uow:
            row = await api_keys.revoke_api_key(uow, input.org_slug, input.api_key_id, body, if_match(input))
        return RevokeApiKeyPayload(api_key=ApiKey.of(row))
