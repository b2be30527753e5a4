"""Tokens: mint, list, read, renew, revoke. A secret is shown once and stored as its SHA-256.

A token is what it was minted as: only its expiry moves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from app.access.caller import signed_in
from app.access.entry import Access, Entry
from app.access.etags import api_key_etag
from app.access.paging import Listing
from app.domain.actors import EnvironmentScope, Person, ResourcePattern, Token, Verb
from app.domain.commands import SLUG_PATTERN, Command, Name, Text, validate
from app.domain.errors import AppError, invalid, not_found
from app.domain.ids import digest, is_id, lowered
from app.domain.named import Id, named_in
from app.domain.operations import Operation
from app.domain.policy import LEVELS
from app.domain.preconditions import IfMatch
from app.domain.token_secrets import hint, new_token_secret
from app.engine.cidrs import Networks, parse_network
from app.engine.instants import rfc3339
from app.models import ApiKey, Org
from app.services.quotas import Quota, require_room
from app.store import api_keys
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork

DEFAULT_RATE_PER_MIN = 600
MAX_LIFETIME_SECONDS = 31_536_000
MAX_ENTRIES = 100
_SLUG = SLUG_PATTERN.removeprefix("^").removesuffix("$")
RESOURCE_PATTERN = rf"^(?:(?:flag|config|segment):)?(?:\*|{_SLUG}(?:\.\*)?)$"
_RESOURCE = re.compile(RESOURCE_PATTERN.removesuffix("$") + r"\Z")

Level = StrEnum("Level", {name.upper(): name for name in LEVELS})  # type: ignore[misc]


def _resource(text: str) -> str:
    if not _RESOURCE.match(text):
        raise PydanticCustomError(
            "resource", "Must be *, a key or a prefix such as payments.*, after flag:, config:, segment: or nothing."
        )
    return text


def _cidr(text: str) -> str:
    if parse_network(text) is None:
        raise PydanticCustomError("cidr", "Must be an IPv4 or IPv6 network with a prefix length, such as 192.0.2.0/24.")
    return text


def _once(entries: list[Any]) -> list[Any]:
    return list(dict.fromkeys(entries))


def _true(given: bool | None) -> bool | None:
    if given is False:
        raise PydanticCustomError("true", "Must be true.")
    return given


Once = AfterValidator(_once)  # a double entry counts once
Resource = Annotated[str, AfterValidator(_resource), Field(json_schema_extra={"pattern": RESOURCE_PATTERN})]
Cidr = Annotated[str, AfterValidator(_cidr)]
Ids = Annotated[list[str], Field(min_length=1, max_length=MAX_ENTRIES), Once]
Lifetime = Annotated[int | None, Field(ge=1, le=MAX_LIFETIME_SECONDS)]


class Environments(Command):
    """Where a token reaches: exactly one of the three."""

    org: Annotated[bool, AfterValidator(_true), WithJsonSchema({"type": "boolean", "const": True})] | None = None
    projects: Annotated[Ids | None, Id("project", many=True)] = None
    envs: Annotated[Ids | None, Id("environment", many=True)] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.chosen()) != 1:
            raise PydanticCustomError("one_of", "Must have exactly one of org, projects and envs.")
        return self

    def chosen(self) -> dict[str, Any]:
        """The member that was sent."""
        return self.model_dump(by_alias=True, exclude_none=True)


class CreateApiKey(
    Command,
    json_schema_extra={
        "examples": [
            {
                "name": "ci",
                "level": "maintainer",
                "environments": {"envs": ["019cadc6-9a03-7c41-8f3e-5b0d9e2a6c03"]},
                "resources": ["flag:checkout"],
                "expiresInSeconds": 2592000,
                "ipAllowlist": ["192.0.2.0/24"],
            }
        ]
    },
):
    """A new token: what it may do (`level` or `actions`), where, on which keys, how often, until when, from where."""

    name: Name
    level: Annotated[Level | None, Field(strict=False)] = None
    actions: Annotated[
        list[Annotated[Verb, Field(strict=False)]] | None, Field(min_length=1, max_length=MAX_ENTRIES)
    ] = None
    environments: Environments
    resources: Annotated[list[Resource], Field(min_length=1, max_length=MAX_ENTRIES), Once]
    rate_limit_per_min: Annotated[int | None, Field(ge=1)] = None
    expires_in_seconds: Lifetime = None
    approval_required: bool = False
    ip_allowlist: Annotated[list[Cidr], Field(max_length=MAX_ENTRIES), Once] = []

    @model_validator(mode="before")
    @classmethod
    def _level_or_actions(cls, body: Any, info: ValidationInfo) -> Any:
        """Looked at first, so that it is told together with what else is missing."""
        if body.get("level") is None and body.get("actions") is None:
            _faults_of(info)["level"] = "Either level or actions is required."
        return body

    @model_validator(mode="after")
    def _not_both(self, info: ValidationInfo) -> Self:
        if self.level is not None and self.actions is not None:
            _faults_of(info)["actions"] = "Cannot be combined with level."
        return self

    def verbs(self) -> list[str]:
        """What it may do, in the order of the words."""
        held = LEVELS[self.level] if self.level is not None else frozenset(self.actions or ())
        return [verb for verb in Verb if verb in held]


def _faults_of(info: ValidationInfo) -> dict[str, str]:
    faults: dict[str, str] = (info.context or {}).get("faults", {})
    return faults


class RenewApiKey(Command, json_schema_extra={"examples": [{"expiresInSeconds": 2592000}]}):
    """The new expiry, from now on; null for none."""

    expires_in_seconds: Lifetime


class RevokeApiKey(Command, json_schema_extra={"examples": [{"reason": "No longer used"}]}):
    """A revocation; REST says the reason in `X-Reason`."""

    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class CreatedApiKey:
    """A new token, and the secret to show once."""

    row: ApiKey
    secret: str


async def create_api_key(uow: UnitOfWork, org_slug: str, body: object) -> CreatedApiKey:
    """Makes a token of the organisation. Raises `not_found` for a project or environment that is not in it."""
    entry = Entry.of_org(org_slug, Operation.MANAGE_TOKENS, named=named_in(CreateApiKey, body))
    access = await entry.enter(uow)
    command = validate(CreateApiKey, body)
    _rate(command, access.org)
    access = await access.to_write()
    await require_room(uow, Quota.TOKENS, access.org.id)
    minter, secret = signed_in(uow), new_token_secret()
    row = ApiKey(
        org_id=access.org.id,
        name=command.name,
        level=command.level,
        actions=command.verbs(),
        environments=_by_id(command.environments.chosen(), access.ids),
        resources=command.resources,
        rate_limit_per_min=_rate(command, access.org),
        approval_required=command.approval_required,
        ip_allowlist=command.ip_allowlist,
        expires_at=_expiry(uow, command.expires_in_seconds),
        secret_hash=digest(secret),
        hint=hint(secret),
        minter_id=minter.user_id,
        minted_by=minter.as_json(),
    )
    uow.add(row)
    access.record(None, _subject(row), new=_recorded(row))
    row.usage = None
    return CreatedApiKey(row, secret)


async def list_api_keys(uow: UnitOfWork, org_slug: str, listing: Listing) -> Page[ApiKey]:
    """The organisation's tokens, expired ones included."""
    access = await Entry.of_org(org_slug, Operation.MANAGE_TOKENS).enter(uow)
    return await api_keys.list_of_org(uow.session, access.org.id, listing.window("api_keys", access.org.id))


async def get_api_key(uow: UnitOfWork, org_slug: str, token_id: str) -> ApiKey:
    return _row(await _enter(uow, org_slug, token_id))


async def renew_api_key(uow: UnitOfWork, org_slug: str, token_id: str, body: object, if_match: IfMatch) -> ApiKey:
    """Moves the expiry of a live token; its secret stays. Raises `precondition_failed`; `not_found` when it expired."""
    access = await _enter(uow, org_slug, token_id)
    command = validate(RenewApiKey, body)
    access = await access.to_write()
    row = _row(access)
    if_match.require(api_key_etag(row))
    if row.expires_at is not None and row.expires_at <= uow.now:
        raise AppError("not_found", "The token has expired. Create a new one.")
    previous, row.expires_at = row.expires_at, _expiry(uow, command.expires_in_seconds)
    row.revision += 1
    row.updated_at = uow.now
    uow.changes.invalidate(row.id)
    before, after = {"expiresAt": _shown(previous)}, {"expiresAt": _shown(row.expires_at)}
    access.record(None, _subject(row), previous=before, new=after)
    return row


async def revoke_api_key(uow: UnitOfWork, org_slug: str, token_id: str, body: object, if_match: IfMatch) -> ApiKey:
    """Ends the token at once, and gives it as it was. Raises `precondition_failed`."""
    access = await _enter(uow, org_slug, token_id)
    command = validate(RevokeApiKey, body)
    access = await access.to_write()
    row = _row(access)
    if_match.require(api_key_etag(row))
    await end_api_key(uow, row, command.reason)
    return row


async def end_api_key(uow: UnitOfWork, row: ApiKey, reason: str | None = None) -> None:
    """Revokes the token, within the current write."""
    uow.record(Operation.MANAGE_TOKENS, _subject(row), reason=reason, previous=_recorded(row))
    await uow.delete(row)


async def note_uses(uow: UnitOfWork, uses: Mapping[str, datetime]) -> None:
    """When each token was last used."""
    await uow.begin_write()
    await api_keys.note_uses(uow.session, uses)


def actor_of(row: ApiKey) -> Token:
    """The token as the policy sees it."""
    where = row.environments
    return Token(
        token_id=row.id,
        name=row.name,
        org_id=row.org_id,
        actions=frozenset(Verb(action) for action in row.actions),
        scope=EnvironmentScope(
            org="org" in where,
            projects=frozenset(where.get("projects", ())),
            environments=frozenset(where.get("envs", ())),
        ),
        resources=tuple(map(ResourcePattern.parse, row.resources)),
        approval_required=row.approval_required,
        minter=Person(row.minter_id, row.minted_by["name"]),
    )


def networks_of(row: ApiKey) -> Networks | None:
    """Where the token may be used from; None for everywhere."""
    if not row.ip_allowlist:
        return None
    return Networks(network for network in map(parse_network, row.ip_allowlist) if network is not None)


async def _enter(uow: UnitOfWork, org_slug: str, token_id: str) -> Access:
    """The token counts among the ids that a call names."""

    async def find(uow: UnitOfWork, org: Org) -> ApiKey:
        row = await api_keys.of_org(uow.session, org.id, lowered(token_id)) if is_id(lowered(token_id)) else None
        if row is None:
            raise not_found("token")
        return row

    return await Entry.of_org(org_slug, Operation.MANAGE_TOKENS, find=find).enter(uow)


def _by_id(chosen: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """The scope as it is kept: by ids, each once, whatever they were called."""
    return {
        kind: list(dict.fromkeys(ids[one] for one in named)) if isinstance(named, list) else named
        for kind, named in chosen.items()
    }


def _row(access: Access) -> ApiKey:
    row: ApiKey = access.found
    return row


def _rate(command: CreateApiKey, org: Org) -> int:
    """Raises `invalid_request`: before the write, and within it, should the organisation's limit have changed."""
    cap = org.max_rate_limit_per_min
    if command.rate_limit_per_min is not None and command.rate_limit_per_min > cap:
        raise invalid({"rateLimitPerMin": f"Must be at most {cap}, the organisation's limit."})
    return command.rate_limit_per_min or min(DEFAULT_RATE_PER_MIN, cap)


def _expiry(uow: UnitOfWork, seconds: int | None) -> datetime | None:
    return None if seconds is None else uow.now + timedelta(seconds=seconds)


def _shown(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def _subject(row: ApiKey) -> Subject:
    return Subject(row.org_id, "api_key", row.id, row.name)


def _recorded(row: ApiKey) -> dict[str, Any]:
    """The token as the audit keeps it, without its secret."""
    members = {
        field.alias or name: getattr(row, name)
        for name, field in CreateApiKey.model_fields.items()
        if hasattr(row, name)
    }
    return {**members, "hint": row.hint, "expiresAt": _shown(row.expires_at)}
