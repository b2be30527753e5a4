"""Tokens, which the API calls API keys."""

from typing import Annotated

import strawberry

from app.domain.actors import Verb
from app.graphql.arguments import After, Before, First, Last, OrgSlug
from app.graphql.context import Info, listing
from app.graphql.inputs import Audited, Conditional, OfOrg, body_of, if_match, optional_field, path_field
from app.graphql.types.api_keys import ApiKey
from app.graphql.types.relay import Connection
from app.services import api_keys
from app.services.api_keys import Level

ApiKeyId = Annotated[strawberry.ID, strawberry.argument(description="The token's id.")]


@strawberry.input(one_of=True, description="The environments that a token covers: exactly one of the three.")
class TokenEnvironmentsInput:
    org: bool | None = optional_field("True for the whole organisation.")
    projects: list[strawberry.ID] | None = optional_field("Whole projects, by their ids or names.")
    envs: list[strawberry.ID] | None = optional_field("Single environments, by their ids or names.")


@strawberry.input(description="A new token, with either a level or actions.")
class CreateApiKeyInput(OfOrg):
    name: str = strawberry.field(description="The display name.")
    level: Level | None = optional_field("A template of actions.")
    actions: list[Verb] | None = optional_field("Single actions.")
    environments: TokenEnvironmentsInput = strawberry.field(description="The environments it covers.")
    resources: list[str] = strawberry.field(
        description="Which keys: `*`, whole keys, and prefixes such as `payments.*`, each optionally after `flag:`, "
        "`config:` or `segment:`."
    )
    rate_limit_per_min: int | None = optional_field("Requests a minute, up to the organisation's limit; default 600.")
    expires_in_seconds: int | None = optional_field("When it expires, up to a year from now; default never.")
    approval_required: bool | None = optional_field("Whether its changes wait for a person.")
    ip_allowlist: list[str] | None = optional_field("Networks (CIDRs) it may be used from; default anywhere.")


@strawberry.input
class OfApiKey(OfOrg):
    api_key_id: strawberry.ID = path_field("The token's id.")


@strawberry.input(description="The token to renew, and for how long.")
class RenewApiKeyInput(OfApiKey, Conditional):
    expires_in_seconds: int | None = optional_field("When it expires, up to a year from now; null for never.")


@strawberry.input(description="The token to revoke.")
class RevokeApiKeyInput(OfApiKey, Audited):
    pass


@strawberry.type
class WrittenApiKey:
    api_key: ApiKey = strawberry.field(description="The token as it is now; a revoked one, as it was.")


@strawberry.type(description="A new token.")
class CreateApiKeyPayload(WrittenApiKey):
    token: str = strawberry.field(description="Its secret, to send as a bearer token. It is not shown again.")


@strawberry.type(description="A renewed token, with the same secret.")
class RenewApiKeyPayload(WrittenApiKey):
    pass


@strawberry.type(description="A revoked token.")
class RevokeApiKeyPayload(WrittenApiKey):
    pass


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
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload | None:
        async with info.context.unit() as uow:
            minted = await api_keys.create_api_key(uow, input.org_slug, body_of(input))
        return CreateApiKeyPayload(api_key=ApiKey.of(minted.row), token=minted.secret)

    @strawberry.mutation(description="Change when a live token expires; its secret stays the same.")
    async def renew_api_key(self, info: Info, input: RenewApiKeyInput) -> RenewApiKeyPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            row = await api_keys.renew_api_key(uow, input.org_slug, input.api_key_id, body, if_match(input))
        return RenewApiKeyPayload(api_key=ApiKey.of(row))

    @strawberry.mutation(description="Revoke a token, effective at once.")
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            row = await api_keys.revoke_api_key(uow, input.org_slug, input.api_key_id, body, if_match(input))
        return RevokeApiKeyPayload(api_key=ApiKey.of(row))
