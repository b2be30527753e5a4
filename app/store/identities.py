"""Queries for the identities of primitives: what a project has, whatever environments hold."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, delete, false, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col

from app.domain.actors import ResourcePattern
from app.domain.lists import Sorting, Standing
from app.domain.search import folded
from app.domain.usage import DEFAULT_STALE_DAYS
from app.engine.kinds import SPECS, Kind
from app.models import Primitive, PrimitiveTag, Project
from app.store.engines.texts import by_code_point, holds
from app.store.paging import AnySelect, Page, Sort, Window, one_of, pages
from app.store.pieces import all_rows, pieces

T = TypeVar("T")
Within = Mapping[Kind, tuple[ResourcePattern, ...] | None]
_by_key: Any = by_code_point(col(Primitive.key))
_KIND_AND_KEY = col(Primitive.kind), col(Primitive.key)
_BEYOND = "~"  # is after all that keys are made of
_LIVE = select(Primitive).where(col(Primitive.deleted_at).is_(None))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which primitives of a list, and in what order: the one of `key`, those whose key begins with `prefix`, those of a
    type, those with `search` in key, name or description, those that have all of the tags, those of a maintainer.

    Of states also those with a standing, those that an actor changed last, those that a proposal waits for, or none
    does, and those that have been stale for so many days, or have not.
    `within` has the kinds, each with a token's resources for it; None for whoever sees all.
    """

    key: str | None = None
    prefix: str | None = None
    value_type: str | None = None
    search: str | None = None
    tags: tuple[str, ...] = ()
    maintainer_id: str | None = None
    standing: Standing | None = None
    updated_by: str | None = None
    has_open_proposal: bool | None = None
    stale: bool | None = None
    stale_days: int = DEFAULT_STALE_DAYS
    sorting: Sorting = Sorting.CREATED
    within: Within = field(default_factory=lambda: dict.fromkeys(Kind))

    @property
    def begins_with_states(self) -> bool:
        """Whether the index that leads to the fewest rows, or gives their order, is one of states."""
        by_identity = self.key, self.prefix, self.value_type, self.search, self.tags or None, self.maintainer_id
        by_state = self.standing is not None or self.updated_by is not None or bool(self.has_open_proposal)
        by_state = by_state or self.sorting.column is Sorting.UPDATED
        return by_state and not any(one is not None for one in by_identity)


async def key_taken(session: AsyncSession, project_id: str, kind: Kind, key: str) -> bool:
    """Whether a live primitive has the key in the kind's key space."""
    query = _live(project_id).where(col(Primitive.space) == SPECS[kind].space, col(Primitive.key) == key)
    return (await session.execute(query.with_only_columns(col(Primitive.id)))).first() is not None


async def kinds_of(
    session: AsyncSession, project_ids: Collection[str], keys: Collection[str]
) -> dict[tuple[str, str], Kind]:
    """The kinds of the projects' live flags and configs with these keys, by project and key."""
    found: dict[tuple[str, str], Kind] = {}
    query = select(col(Primitive.project_id), col(Primitive.key), col(Primitive.kind)).where(
        one_of(col(Primitive.project_id), project_ids),
        col(Primitive.space) == SPECS[Kind.FLAG].space,
        col(Primitive.deleted_at).is_(None),
    )
    for piece in pieces(list(keys), 1000):
        rows = (await session.execute(query.where(col(Primitive.key).in_(piece)))).all()
        found |= {(row[0], row[1]): row[2] for row in rows}
    return found


async def with_keys(session: AsyncSession, project_id: str, keys: Collection[str]) -> Sequence[Primitive]:
    """The project's live flags, configs and segments with these keys."""
    found: list[Primitive] = []
    for piece in pieces(list(keys), 1000):
        rows = await all_rows(session, _live(project_id).where(col(Primitive.key).in_(piece)))
        found += [row[0] for row in rows]
    return found


async def all_of_project(session: AsyncSession, project_id: str) -> Sequence[Primitive]:
    return [row[0] for row in await all_rows(session, _live(project_id).order_by(col(Primitive.id)))]


async def list_of_project(session: AsyncSession, project_id: str, chosen: Filter, window: Window) -> Page[Primitive]:
    """The project's live primitives."""
    return (await lists_of_projects(session, [project_id], chosen, window))[project_id]


async def lists_of_projects(
    session: AsyncSession, project_ids: Collection[str], chosen: Filter, window: Window
) -> Mapping[str, Page[Primitive]]:
    """For each of the projects, by id, what `list_of_project` gives."""
    query = filtered(select(Primitive), chosen, project_ids)
    parents = col(Primitive.project_id), project_ids
    sort: Sort[Primitive] = sorted_by(
        chosen.sorting, lambda one: one, col(Primitive.updated_at), lambda one: one.updated_at
    )
    return await pages(session, query, parents, col(Primitive.id), window, lambda row: row[0], sort)


def sorted_by(
    sorting: Sorting, primitive_of: Callable[[T], Primitive], updated_at: Any, updated_of: Callable[[T], datetime]
) -> Sort[T]:
    """The order of a list of primitives, or of what each has: `updated_at` is when an entry was changed."""
    match sorting.column:
        case Sorting.KEY:
            return Sort(_by_key, lambda entry: primitive_of(entry).key, sorting.descending)
        case Sorting.UPDATED:
            return Sort(updated_at, updated_of, sorting.descending)
    return Sort(descending=sorting.descending)


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


def filtered(query: AnySelect, chosen: Filter, project_ids: Collection[str]) -> AnySelect:
    """A query that names `Primitive` of the projects, limited to live ones that the filter includes."""
    query = query.where(covered(chosen.within), col(Primitive.deleted_at).is_(None))
    if chosen.key is not None:
        query = query.where(_by_key == chosen.key)
    if chosen.prefix is not None:
        query = query.where(_by_key >= chosen.prefix, _by_key < chosen.prefix + _BEYOND)
    if chosen.value_type is not None:
        query = query.where(col(Primitive.value_type) == chosen.value_type)
    if chosen.maintainer_id is not None:
        query = query.where(col(Primitive.maintainer_id) == chosen.maintainer_id)
    for tag in chosen.tags:
        tagged = select(col(PrimitiveTag.primitive_id)).where(
            one_of(col(PrimitiveTag.project_id), project_ids), col(PrimitiveTag.tag) == tag
        )
        query = query.where(col(Primitive.id).in_(tagged))
    if chosen.search is not None:
        query = query.where(holds(col(Primitive.folded), folded(chosen.search)))
    return query


def _live(project_id: str) -> Select[Primitive]:
    return _LIVE.where(col(Primitive.project_id) == project_id)


def covered(within: Within, columns: tuple[Mapped[Kind], Mapped[str]] = _KIND_AND_KEY) -> ColumnElement[bool]:
    """The condition for primitives of these kinds that the resources of each cover.

    Or for rows that name primitives, in columns of their own.
    """
    kind_column, key_column = columns
    whole = [kind for kind, patterns in within.items() if patterns is None]
    of_some = [
        and_(kind_column == kind, or_(false(), *(_matching(key_column, pattern) for pattern in patterns)))
        for kind, patterns in within.items()
        if patterns is not None
    ]
    of_whole = [one_of(kind_column, whole)] if whole else []
    return or_(false(), *of_whole, *of_some)


def _matching(key: Mapped[str], pattern: ResourcePattern) -> ColumnElement[bool]:
    if pattern.text == "*":
        return true()
    if pattern.prefix is not None:
        return key.startswith(pattern.prefix, autoescape=True)
    return key == pattern.text


async def live_keys(
    session: AsyncSession, project_id: str, asked: Collection[tuple[Kind, str]]
) -> frozenset[tuple[Kind, str]]:
    """Those of the kinds and keys that the project's live primitives have."""
    found: set[tuple[Kind, str]] = set()
    query = _live(project_id).with_only_columns(col(Primitive.kind), col(Primitive.key))
    for piece in pieces(sorted({key for _, key in asked}), 1000):
        found.update((row[0], row[1]) for row in await session.execute(query.where(col(Primitive.key).in_(piece))))
    return frozenset(found & set(asked))


async def live(session: AsyncSession, primitive_id: str) -> Primitive | None:
    """The primitive, unless it was deleted."""
    query = select(Primitive).where(col(Primitive.id) == primitive_id, col(Primitive.deleted_at).is_(None))
    return (await session.execute(query)).scalar_one_or_none()
