"""Tokens, which the API calls API keys."""

import strawberry

from app.access.etags import api_key_etag
from app.domain.actors import Verb
from app.domain.operations import ResourceType
from app.domain.usage import TokenRefusal as StoredRefusal
from app.graphql.types.abilities import Abilities, Inabilities, viewer_can, viewer_cannot
from app.graphql.types.actors import Actor
from app.graphql.types.relay import Node
from app.graphql.types.scalars import Time
from app.models import ApiKey as ApiKeyRow
from app.services.api_keys import Level


@strawberry.type(description="The environments that a token covers: one of the three, the others are null.")
class TokenEnvironments:
    org: bool | None = strawberry.field(description="The whole organisation.")
    projects: list[strawberry.ID] | None = strawberry.field(description="Whole projects, by their ids.")
    envs: list[strawberry.ID] | None = strawberry.field(description="Single environments, by their ids.")


@strawberry.type(description="What a request with a token was refused with.")
class TokenRefusal:
    code: str = strawberry.field(description="The code of the error.")
    at: Time = strawberry.field(description="When it was refused.")
    request_id: str = strawberry.field(description="The id of the request.")

    @classmethod
    def of(cls, refusal: StoredRefusal) -> "TokenRefusal":
        return cls(code=refusal.code, at=Time(refusal.at), request_id=refusal.request_id)


@strawberry.type(description="A token, for machines. Only its expiry can change.")
class ApiKey(Node):
    name: str = strawberry.field(description="The display name.")
    level: Level | None = strawberry.field(description="The template of its actions; null if custom.")
    actions: list[Verb] = strawberry.field(description="Its actions.")
    environments: TokenEnvironments = strawberry.field(description="The environments it covers.")
    resources: list[str] = strawberry.field(
        description="Which keys: `*`, whole keys, and prefixes such as `payments.*`."
    )
    rate_limit_per_min: int = strawberry.field(description="Requests a minute.")
    approval_required: bool = strawberry.field(description="Whether its changes wait for a person.")
    ip_allowlist: list[str] = strawberry.field(
        description="The networks (CIDRs) it may be used from; anywhere if empty."
    )
    expires_at: Time | None = strawberry.field(description="When it expires; null for never.")
    last_used_at: Time | None = strawberry.field(description="When it was last used, to about a minute.")
    first_evaluated_at: Time | None = strawberry.field(
        description="When it first evaluated a flag or config; null if it has not."
    )
    last_refusal: TokenRefusal | None = strawberry.field(
        description="Its last request that was refused because of what it may do, how often, or from where."
    )
    hint: str = strawberry.field(description="The first characters of its secret.")
    minted_by: Actor = strawberry.field(description="Who minted it.")
    created_at: Time = strawberry.field(description="When it was created.")
    updated_at: Time = strawberry.field(description="When it was last renewed.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.API_KEY)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.API_KEY)

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
            expires_at=None if row.expires_at is None else Time(row.expires_at),
            last_used_at=None if row.last_used_at is None else Time(row.last_used_at),
            first_evaluated_at=None if row.first_evaluated_at is None else Time(row.first_evaluated_at),
            last_refusal=None if row.last_refusal is None else TokenRefusal.of(row.last_refusal),
            hint=row.hint,
            minted_by=Actor.of(row.minted_by),
            created_at=Time(row.created_at),
            updated_at=Time(row.updated_at),
            etag=api_key_etag(row),
        )
