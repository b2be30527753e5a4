"""Tokens in GraphQL, where they are called API keys."""

from typing import Annotated

import strawberry

from app.domain.actors import Verb
from app.graphql.arguments import After, Before, First, Last, OrgSlug
from app.graphql.context import Info, listing
from app.graphql.inputs import Input, body_of, if_match, if_match_field, reason_field
from app.graphql.types.api_keys import ApiKey
from app.graphql.types.relay import Connection
from app.services import api_keys
from app.services.api_keys import Level

ApiKeyId = Annotated[strawberry.ID, strawberry.argument(description="The token's id.")]


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
