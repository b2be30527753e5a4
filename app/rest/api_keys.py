"""Tokens over REST, where they are called API keys."""

from typing import Annotated, Any, Self

from pydantic import Field
from starlette.responses import Response

from app.access.etags import api_key_etag
from app.access.paging import ListParameters
from app.domain.actors import Verb
from app.domain.operations import Operation
from app.rest.openapi.samples import (
    API_KEY,
    API_KEY_HINT,
    API_KEY_ID,
    CHANGED,
    ENVIRONMENT_ID,
    MORNING,
    NEXT_MONTH,
    NOON,
)
from app.rest.requests import RestCall
from app.rest.responses import created, no_content, page, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, Schema, Time
from app.services import api_keys
from app.services.api_keys import CreatedApiKey, Environments, Level
from app.store.unit_of_work import UnitOfWork

_OF_ORG, _ONE = "/orgs/{slug}/api-keys", "/orgs/{slug}/api-keys/{api_key_id}"
_EXAMPLE = {
    "id": API_KEY_ID,
    "name": "ci",
    "level": "maintainer",
    "actions": ["read", "propose", "write", "toggle", "promote"],
    "environments": {"envs": [ENVIRONMENT_ID]},
    "resources": ["flag:checkout"],
    "rateLimitPerMin": 600,
    "approvalRequired": False,
    "ipAllowlist": ["192.0.2.0/24"],
    "expiresAt": NEXT_MONTH,
    "lastUsedAt": NOON,
    "firstEvaluatedAt": MORNING,
    "lastRefusal": {"code": "token_ip_denied", "at": NOON, "requestId": "req_0123456789abcdef"},
    "hint": API_KEY_HINT,
    **CHANGED,
}

_UNUSED = {"lastUsedAt": None, "firstEvaluatedAt": None, "lastRefusal": None}


class TokenRefusalSchema(Schema):
    """What a request with a token was refused with."""

    code: str
    at: Time
    request_id: str


class ApiKeySchema(Schema, json_schema_extra={"examples": [_EXAMPLE]}):
    """A token. `hint` is how its secret begins."""

    id: str
    name: str
    level: Level | None
    actions: list[Verb]
    environments: Annotated[dict[str, Any], Field(json_schema_extra=Environments.model_json_schema())]
    resources: list[str]
    rate_limit_per_min: int
    approval_required: bool
    ip_allowlist: list[str]
    expires_at: Time | None
    last_used_at: Time | None
    first_evaluated_at: Time | None
    last_refusal: TokenRefusalSchema | None
    hint: str
    minted_by: ActorSchema
    created_at: Time
    updated_at: Time


class CreatedApiKeySchema(ApiKeySchema, json_schema_extra={"examples": [{**_EXAMPLE, **_UNUSED, "token": API_KEY}]}):
    """A new token with its secret, which is shown this once."""

    token: Annotated[str, Field(description="The secret to send as `Authorization: Bearer`. It is not shown again.")]

    @classmethod
    def from_created(cls, created: CreatedApiKey) -> Self:
        return cls(**ApiKeySchema.from_row(created.row).__dict__, token=created.secret)


async def create_api_key(call: RestCall, uow: UnitOfWork) -> Response:
    minted = await api_keys.create_api_key(uow, call.path["slug"], call.input)
    location = f"/api/v1/orgs/{call.path['slug']}/api-keys/{minted.row.id}"
    return created(CreatedApiKeySchema.from_created(minted), location, api_key_etag(minted.row))


async def list_api_keys(call: RestCall, uow: UnitOfWork) -> Response:
    found = await api_keys.list_api_keys(uow, call.path["slug"], call.listing())
    return page(call, found, lambda row: row.id, ApiKeySchema.from_row)


async def get_api_key(call: RestCall, uow: UnitOfWork) -> Response:
    row = await api_keys.get_api_key(uow, call.path["slug"], call.path["api_key_id"])
    return read(call, ApiKeySchema.from_row(row), api_key_etag(row))


async def renew_api_key(call: RestCall, uow: UnitOfWork) -> Response:
    row = await api_keys.renew_api_key(uow, call.path["slug"], call.path["api_key_id"], call.input, call.if_match)
    return written(ApiKeySchema.from_row(row), api_key_etag(row))


async def revoke_api_key(call: RestCall, uow: UnitOfWork) -> Response:
    await api_keys.revoke_api_key(uow, call.path["slug"], call.path["api_key_id"], call.input, call.if_match)
    return no_content()


ENDPOINTS = [
    Endpoint(
        "listApiKeys",
        "GET",
        _OF_ORG,
        list_api_keys,
        "The tokens of an organisation",
        Operation.MANAGE_TOKENS,
        response=ApiKeySchema,
        is_list=True,
        query=ListParameters,
    ),
    Endpoint(
        "createApiKey",
        "POST",
        _OF_ORG,
        create_api_key,
        "Mint a token",
        Operation.MANAGE_TOKENS,
        api_keys.CreateApiKey,
        CreatedApiKeySchema,
        201,
    ),
    Endpoint("getApiKey", "GET", _ONE, get_api_key, "A token", Operation.MANAGE_TOKENS, response=ApiKeySchema),
    Endpoint(
        "revokeApiKey",
        "DELETE",
        _ONE,
        revoke_api_key,
        "Revoke a token, at once",
        Operation.MANAGE_TOKENS,
        api_keys.RevokeApiKey,
        status=204,
    ),
    Endpoint(
        "renewApiKey",
        "POST",
        f"{_ONE}/renew",
        renew_api_key,
        "Move the expiry of a live token",
        Operation.MANAGE_TOKENS,
        api_keys.RenewApiKey,
        ApiKeySchema,
    ),
]
