"""Queries for the identities of primitives: what a project has, whatever environments hold."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, delete, false, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import ResourcePattern
from app.domain.search import folded
from app.engine.kinds import SPECS, Kind
from app.models import Primitive, PrimitiveTag, Project
from app.store.engines.texts import holds
from app.store.paging import AnySelect, Page, Window, pages

_LIVE = select(Primitive).where(col(Primitive.deleted_at).is_(None))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which primitives of a list: the one of `key`, those of a type, those with `search` in key, name or description.

    `within` are a token's resources for this kind; None for whoever sees all.
    """

    key: str | None = None
    value_type: str | None = None
    search: str | None = None
    within: tuple[ResourcePattern, ...] | None = None


async def key_taken(session: AsyncSession, project_id: str, kind: Kind, key: str) -> bool:
    """Whether a live primitive has the key in the kind's key space."""
    query = _live(project_id).where(col(Primitive.space) == SPECS[kind].space, col(Primitive.key) == key)
    return (await session.execute(query.with_only_columns(col(Primitive.id)))).first() is not None


async def all_of_project(session: AsyncSession, project_id: str) -> Sequence[Primitive]:
    return (await session.execute(_live(project_id).order_by(col(Primitive.id)))).scalars().all()


async def list_of_project(
    session: AsyncSession, project_id: str, kind: Kind, chosen: Filter, window: Window
) -> Page[Primitive]:
    """The project's live primitives of the kind."""
    return (await lists_of_projects(session, [project_id], kind, chosen, window))[project_id]


async def lists_of_projects(
    session: AsyncSession, project_ids: Collection[str], kind: Kind, chosen: Filter, window: Window
) -> Mapping[str, Page[Primitive]]:
    """For each of the projects, by id, what `list_of_project` gives."""
    query = filtered(_LIVE.where(col(Primitive.kind) == kind), chosen)
    parents = col(Primitive.project_id), project_ids
    return await pages(session, query, parents, col(Primitive.id), window, lambda row: row[0])


async def set_tags(session: AsyncSession, primitive: Primitive, tags: Iterable[str]) -> None:
    """Makes the primitive found by these tags and no others."""
    await session.execute(delete(PrimitiveTag).where(col(PrimitiveTag.primitive_id) == primitive.id))
    session.add_all(PrimitiveTag(project_id=primitive.project_id, tag=tag, primitive_id=primitive.id) for tag in tags)


async def end_maintaining(session: AsyncSession, org_id: str, user_id: str) -> None:
    """The organisation's primitives that the user maintains have no maintainer any more."""
    of_org = select(col(Project.id)).where(col(Project.org_id) == org_id)
    maintained = col(Primitive.maintainer_id) == user_id
    await session.execute(
        update(Primitive).where(maintained, col(Primitive.project_id).in_(of_org)).values(maintainer_id=None)
    )


def filtered(query: AnySelect, chosen: Filter) -> AnySelect:
    """A query that names `Primitive`, limited to what the filter includes."""
    if chosen.key is not None:
        query = query.where(col(Primitive.key) == chosen.key)
    if chosen.value_type is not None:
        query = query.where(col(Primitive.value_type) == chosen.value_type)
    if chosen.search is not None:
        query = query.where(holds(col(Primitive.folded), folded(chosen.search)))
    if chosen.within is not None:
        query = query.where(or_(false(), *map(matching, chosen.within)))
    return query


def _live(project_id: str) -> Select[Primitive]:
    return _LIVE.where(col(Primitive.project_id) == project_id)


def matching(pattern: ResourcePattern) -> ColumnElement[bool]:
    """The condition for keys that the pattern covers."""
    if pattern.text == "*":
        return true()
    if pattern.prefix is not None:
        return col(Primitive.key).startswith(pattern.prefix, autoescape=True)
    return col(Primitive.key) == pattern.text
