"""Queries for the audit. It is only added to, by the unit of work, but for what is swept and erased here."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Text, bindparam, cast, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col

from app.domain.emails import email_key
from app.domain.ids import new_id
from app.domain.operations import Operation
from app.engine import json_text
from app.models import (
    ApiKey,
    AuditEvent,
    AuditOpening,
    AuditVersion,
    DeletedOrg,
    Invitation,
    Org,
    Proposal,
    ProposalReview,
    SpotChecks,
    State,
    TrafficSample,
    User,
)
from app.store import json_columns
from app.store.paging import Page, Sort, Window, one_of, page, pages
from app.store.tenancy import Tenant, Tenanted

ERASED = "Erased user"
_NAMING_PEOPLE = ("member", "invitation", "user")
_ACTORS = (
    (AuditEvent, "actor"),
    (AuditEvent, "approvers"),
    (State, "updated_by"),
    (Invitation, "invited_by"),
    (Proposal, "actor"),
    (Proposal, "ended_by"),
    (Proposal, "approvers"),
    (ProposalReview, "reviewer"),
    (SpotChecks, "updated_by"),
    (TrafficSample, "updated_by"),
)


_BY_ID = Tenanted(
    select(AuditEvent, col(Org.slug))
    .join(Org, col(Org.id) == col(AuditEvent.org_id))
    .where(col(AuditEvent.id) == bindparam("id"))
)


class Audited(NamedTuple):
    """An event, and the slug of the organisation that it is about, deleted or not."""

    event: AuditEvent
    slug: str | None


async def list_of_instance(
    session: AsyncSession, window: Window, *, org_ids: Sequence[str] | None, since: datetime | None
) -> Page[Audited]:
    """Events of the organisations, or of all and of the instance itself; oldest first."""
    query = (
        select(AuditEvent, col(Org.slug), col(DeletedOrg.slug))
        .outerjoin(Org, col(Org.id) == col(AuditEvent.org_id))
        .outerjoin(DeletedOrg, col(DeletedOrg.id) == col(AuditEvent.org_id))
    )
    if org_ids is not None:
        query = query.where(one_of(col(AuditEvent.org_id), org_ids))
    if since is not None:
        query = query.where(col(AuditEvent.at) >= since)
    oldest: Sort[Audited] = Sort(col(AuditEvent.at), lambda one: one.event.at)
    return await page(session, query, col(AuditEvent.id), window, lambda row: Audited(row[0], row[1] or row[2]), oldest)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which events: those that agree with all that is not None. `since` is included, `until` not.

    `environment_id` is that of any of an event's versions.
    """

    resource_type: str | None = None
    resource_key: str | None = None
    environment_id: str | None = None
    actor_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


OF_ORG, OF_PROJECT, OF_RESOURCE = col(AuditEvent.org_id), col(AuditEvent.project_id), col(AuditEvent.resource_id)
OF_ENVIRONMENT = col(AuditVersion.environment_id)


class Recorded(NamedTuple):
    """An event with the versions that it made: environment and version of each."""

    event: AuditEvent
    versions: Sequence[tuple[str, int]]


async def list_of_org(session: AsyncSession, org_id: str, chosen: Chosen, window: Window) -> Page[Recorded]:
    """The organisation's events, newest first."""
    return (await lists_below(session, OF_ORG, [org_id], chosen, window))[org_id]


async def lists_below(
    session: AsyncSession, parent: Mapped[Any], parent_ids: Collection[str], chosen: Chosen, window: Window
) -> Mapping[str, Page[Recorded]]:
    """For each organisation, project, environment or resource, by id, its events. `parent` is the column of the id."""
    query, at, event_id = select(AuditEvent), col(AuditEvent.at), col(AuditEvent.id)
    if parent is OF_ENVIRONMENT or chosen.environment_id is not None:
        # By the index of the environments' versions, which were made at the same instants.
        at, event_id = col(AuditVersion.created_at), col(AuditVersion.event_id)
        query = query.join(AuditVersion, event_id == col(AuditEvent.id))
    if chosen.environment_id is not None:
        query = query.where(col(AuditVersion.environment_id) == chosen.environment_id)
    for column in ("resource_type", "resource_key", "actor_id", "action"):
        if (value := getattr(chosen, column)) is not None:
            query = query.where(getattr(AuditEvent, column) == value)
    if chosen.since is not None:
        query = query.where(at >= chosen.since)
    if chosen.until is not None:
        query = query.where(at < chosen.until)
    newest: Sort[AuditEvent] = Sort(at, lambda event: event.at, descending=True)
    parents = parent, parent_ids
    found = await pages(session, query, parents, event_id, window, lambda row: row[0], newest)
    made = await versions(session, [event.id for of in found.values() for event in of.rows])
    return {parent_id: _recorded(of, made) for parent_id, of in found.items()}


def _recorded(of: Page[AuditEvent], made: Mapping[str, Sequence[tuple[str, int]]]) -> Page[Recorded]:
    rows = [Recorded(event, made.get(event.id, ())) for event in of.rows]
    return Page(rows, of.has_next, of.has_previous, of.whole, of.list_id, lambda one: one.event.at)


async def versions(session: AsyncSession, event_ids: Collection[str]) -> Mapping[str, Sequence[tuple[str, int]]]:
    """The versions that each event made, by its id."""
    query = select(col(AuditVersion.event_id), col(AuditVersion.environment_id), col(AuditVersion.version)).where(
        col(AuditVersion.event_id).in_(event_ids)
    )
    made = defaultdict[str, list[tuple[str, int]]](list)
    for event_id, environment_id, version in (await session.execute(query.order_by(col(AuditVersion.id)))).all():
        made[event_id].append((environment_id, version))
    return made


async def events(session: AsyncSession, ids: Collection[str]) -> Sequence[Recorded]:
    """The events with these ids."""
    found = (await session.execute(select(AuditEvent).where(col(AuditEvent.id).in_(ids)))).scalars().all()
    made = await versions(session, [event.id for event in found])
    return [Recorded(event, made.get(event.id, ())) for event in found]


async def find(session: AsyncSession, event_id: str, tenant: Tenant) -> tuple[AuditEvent, str] | None:
    """The event, and the slug of its organisation, if that is the tenant's."""
    row = await _BY_ID.row(session, tenant, id=event_id)
    return None if row is None else (row[0], row[1])


async def org_ids_of(session: AsyncSession, slug: str) -> Sequence[str]:
    """The organisations that have the slug, or had it and are gone."""
    living = select(col(Org.id)).where(col(Org.slug) == slug)
    gone = select(col(DeletedOrg.id)).where(col(DeletedOrg.slug) == slug)
    return (await session.execute(living.union(gone))).scalars().all()


@asynccontextmanager
async def _opened(session: AsyncSession) -> AsyncIterator[None]:
    """Within it, what the audit has can be changed, by this transaction alone."""
    opening = new_id()
    await session.execute(insert(AuditOpening).values(id=opening))
    yield
    await session.execute(delete(AuditOpening).where(col(AuditOpening.id) == opening))


async def sweep_deleted_orgs(session: AsyncSession, before: datetime) -> None:
    """Deletes the audit of organisations that were deleted before the instant."""
    gone = select(col(DeletedOrg.id)).where(col(DeletedOrg.deleted_at) < before)
    async with _opened(session):
        await session.execute(delete(AuditEvent).where(col(AuditEvent.org_id).in_(gone)))
    await session.execute(delete(DeletedOrg).where(col(DeletedOrg.deleted_at) < before))


async def sweep_events(session: AsyncSession, before: datetime, most: int) -> bool:
    """Deletes the oldest events from before the instant, at most so many. False when there were none."""
    oldest = await session.execute(
        select(col(AuditEvent.id)).where(col(AuditEvent.at) < before).order_by(col(AuditEvent.at)).limit(most)
    )
    swept = oldest.scalars().all()
    async with _opened(session):
        await session.execute(delete(AuditEvent).where(col(AuditEvent.id).in_(swept)))
    return bool(swept)


async def erase_person(session: AsyncSession, user: User, unwritten: Sequence[AuditEvent]) -> Sequence[str]:
    """Puts "Erased user" in the place of the user's name and email wherever something says who did it, or to whom, and
    nothing in that of where they called from; ids stay. Gives the ids of the tokens that said so."""
    async with _opened(session):
        for table, column in _ACTORS:
            await _erase_name(session, table, column, user.id)
        await _erase_email(session, user)
        await _erase_proposer(session, user.id)
        await _erase_origin(session, user.id)
    for event in unwritten:
        for name, value in _values_without_email(event, user).items():
            setattr(event, name, value)
    return await _erase_name(session, ApiKey, "minted_by", user.id)


async def _erase_name(session: AsyncSession, table: Any, column: str, user_id: str) -> Sequence[str]:
    keys = list(table.__table__.primary_key.columns)
    stored = table.__table__.columns[column]
    found = (await session.execute(select(stored, *keys).where(cast(stored, Text).contains(user_id)))).all()
    for value, *key in found:
        named = [one == it for one, it in zip(keys, key, strict=True)]
        await session.execute(update(table.__table__).where(*named).values({column: _without_name(value, user_id)}))
    return [key[0] for _, *key in found]


async def _erase_email(session: AsyncSession, user: User) -> None:
    query = select(AuditEvent).where(col(AuditEvent.resource_type).in_(_NAMING_PEOPLE))
    for event in (await session.execute(query)).scalars().all():
        if values := _values_without_email(event, user):
            await session.execute(update(AuditEvent).where(col(AuditEvent.id) == event.id).values(values))


async def _erase_proposer(session: AsyncSession, user_id: str) -> None:
    """What is recorded of an apply has who proposed it."""
    recorded = col(AuditEvent.new_value)
    applied = col(AuditEvent.action) == Operation.APPLY_PROPOSAL.value
    query = select(col(AuditEvent.id), recorded).where(applied, recorded.contains(user_id))
    for event_id, text in (await session.execute(query)).all():
        erased = json_text.encode(_without_name(json_columns.value(text), user_id))
        await session.execute(update(AuditEvent).where(col(AuditEvent.id) == event_id).values(new_value=erased))


async def _erase_origin(session: AsyncSession, user_id: str) -> None:
    """The address and the browser of sign-ins, and the address of those that failed."""
    theirs, about = col(AuditEvent.actor_id) == user_id, col(AuditEvent.resource_id) == user_id
    await session.execute(update(AuditEvent).where(theirs | about).values(address=None))
    sessions = col(AuditEvent.resource_type) == "session"
    await session.execute(update(AuditEvent).where(theirs, sessions).values(resource_key=""))


def _values_without_email(event: AuditEvent, user: User) -> dict[str, Any]:
    """What an event that is about the user, or an invitation of them, says without the email; empty for all others."""
    if event.resource_type not in _NAMING_PEOPLE:
        return {}
    if event.resource_id != user.id and not _is_email_of(event.resource_key, user):
        return {}
    return {
        "resource_key": ERASED,
        "previous_value": _without_email(event.previous_value),
        "new_value": _without_email(event.new_value),
    }


def _is_email_of(text: str, user: User) -> bool:
    return "@" in text and email_key(text) == user.email_key


def _without_name(value: Any, user_id: str) -> Any:
    """Actors as JSON: those with the id, and the tokens that they minted, which hold them."""
    if isinstance(value, list):
        return [_without_name(one, user_id) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _without_name(one, user_id) for name, one in value.items()}
    return {**inner, "name": ERASED} if value.get("id") == user_id else inner


def _without_email(recorded: str | None) -> str | None:
    if recorded is None:
        return None
    values = orjson.loads(recorded)
    return json_text.encode({**values, "email": ERASED} if "email" in values else values)
