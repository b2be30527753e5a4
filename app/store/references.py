"""Queries for references: who refers to whom, and what refers to a flag, config or segment."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import EnvironmentScope
from app.engine.kinds import Kind
from app.engine.reference_graph import ReferenceGraph
from app.engine.references import Node, node
from app.models import Environment, Primitive, State, StateReference
from app.store import environments, identities
from app.store.paging import Page, Window, page


class EnvironmentGraph(NamedTuple):
    """All primitives of an environment with their kinds, and what each refers to."""

    kinds: dict[Node, Kind]
    graph: ReferenceGraph


class Referrer(NamedTuple):
    """A state whose rules refer to a key, at the paths."""

    primitive: Primitive
    state: State
    environment: Environment
    paths: tuple[str, ...] = ()


async def list_referrers(
    session: AsyncSession,
    project_id: str,
    target: Node,
    window: Window,
    scope: EnvironmentScope | None,
    within: identities.Within,
) -> Page[Referrer]:
    """What refers to the target now, in the environments of the project that the scope covers.

    `within` are a token's resources for each kind; None for whoever sees all.
    """
    to_target = (
        col(StateReference.target_kind) == target.kind,
        col(StateReference.target_key) == target.key,
        col(StateReference.to_version).is_(None),
    )
    of_state = (
        col(StateReference.environment_id) == col(State.environment_id),
        col(StateReference.primitive_id) == col(State.primitive_id),
    )
    query = (
        select(Primitive, State, Environment)
        .join(State, col(State.primitive_id) == col(Primitive.id))
        .join(Environment, col(Environment.id) == col(State.environment_id))
        .where(
            col(Environment.project_id) == project_id,
            environments.covered(scope),
            col(State.to_version).is_(None),
            exists().where(*to_target, *of_state),
            identities.covered(within),
        )
    )
    found = await page(session, query, col(State.id), window, lambda row: Referrer(row[0], row[1], row[2]))
    paths = defaultdict[tuple[str, str], list[str]](list)
    places = select(
        col(StateReference.environment_id), col(StateReference.primitive_id), col(StateReference.path)
    ).where(*to_target, col(StateReference.primitive_id).in_({row.primitive.id for row in found.rows}))
    for environment_id, primitive_id, path in (await session.execute(places)).all():
        paths[environment_id, primitive_id].append(path)
    rows = [row._replace(paths=tuple(sorted(paths[row.environment.id, row.primitive.id]))) for row in found.rows]
    return replace(found, rows=rows)


async def reference_graphs(
    session: AsyncSession, project_id: str, environment_ids: Collection[str]
) -> Mapping[str, EnvironmentGraph]:
    """Who refers to whom now in each of the project's environments, by its id."""
    query = select(col(Primitive.id), col(Primitive.kind), col(Primitive.key)).where(
        col(Primitive.project_id) == project_id, col(Primitive.deleted_at).is_(None)
    )
    nodes = {row[0]: (node(row[1], row[2]), Kind(row[1])) for row in (await session.execute(query)).all()}
    targets = {environment_id: defaultdict[Node, set[Node]](set) for environment_id in environment_ids}
    references = select(
        col(StateReference.environment_id),
        col(StateReference.primitive_id),
        col(StateReference.target_kind),
        col(StateReference.target_key),
    ).where(col(StateReference.environment_id).in_(environment_ids), col(StateReference.to_version).is_(None))
    for environment_id, primitive_id, kind, key in (await session.execute(references)).all():
        targets[environment_id][nodes[primitive_id][0]].add(Node(kind, key))
    kinds = dict(nodes.values())
    unconnected = ReferenceGraph().with_changes(dict.fromkeys(kinds, ()))
    return {one: EnvironmentGraph(kinds, unconnected.with_changes(found)) for one, found in targets.items()}


async def referrers(session: AsyncSession, project_id: str, target: Node) -> dict[tuple[Kind, str], list[str]]:
    """What refers to the target in any environment of the project: kind and key, with the environments' keys."""
    query = (
        select(col(Primitive.kind), col(Primitive.key), col(Environment.key))
        .distinct()
        .join(StateReference, col(StateReference.primitive_id) == col(Primitive.id))
        .join(Environment, col(Environment.id) == col(StateReference.environment_id))
        .where(
            col(Environment.project_id) == project_id,
            col(StateReference.target_kind) == target.kind,
            col(StateReference.target_key) == target.key,
            col(StateReference.to_version).is_(None),
        )
        .order_by(col(Primitive.kind), col(Primitive.key), col(Environment.key))
    )
    found: dict[tuple[Kind, str], list[str]] = {}
    for kind, key, environment in (await session.execute(query)).all():
        found.setdefault((Kind(kind), key), []).append(environment)
    return found
