"""All that a ruleset is made of, read at one moment; and what was written between two versions of it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.engine.differences import Written
from app.engine.kinds import Kind
from app.engine.references import Node
from app.models import Environment, EnvironmentVersion, Primitive, State, StateReference
from app.store.entries import all_entries
from app.store.pieces import all_rows


class RulesetRows(NamedTuple):
    """An environment, what its present states say, and the entries of their lists: primitive, list and entry of each.

    A state is the id of its primitive, and the first fields of a StoredState.
    """

    environment: Environment
    states: Sequence[tuple[Any, ...]]
    entries: Sequence[tuple[str, str, str]]


_STATES = (
    select(
        col(Primitive.id),
        col(Primitive.kind),
        col(Primitive.key),
        col(Primitive.value_type),
        col(State.default_value),
        col(State.rules),
        col(State.killed),
    )
    .join(State, col(State.primitive_id) == col(Primitive.id))
    .where(col(State.to_version).is_(None))
    .order_by(col(Primitive.id))
)


async def load(session: AsyncSession, environment_id: str) -> RulesetRows | None:
    """The rows of an environment's present ruleset; None when there is no such environment."""
    if (environment := await session.get(Environment, environment_id)) is None:
        return None
    states = await all_rows(session, _STATES.where(col(State.environment_id) == environment_id))
    return RulesetRows(environment, states, await all_entries(session, environment_id))


async def written_since(
    session: AsyncSession, environment_id: str, since: int, version: int, *, references: bool
) -> Written | None:
    """What was written after `since` up to `version`, with `references` where these are asked for.

    None when one of the two versions is not known. What is written meanwhile makes a later version, and is left out.
    """
    known = select(func.count()).where(
        col(EnvironmentVersion.environment_id) == environment_id,
        col(EnvironmentVersion.version).in_([since, version]),
    )
    if (await session.execute(known)).scalar_one() != 2:  # noqa: PLR2004
        return None
    of_key = select(col(Primitive.id), col(Primitive.kind), col(Primitive.key)).join(
        State, col(State.primitive_id) == col(Primitive.id)
    )
    made = of_key.where(
        col(State.environment_id) == environment_id,
        col(State.from_version) > since,
        col(State.from_version) <= version,
    )
    ended = of_key.where(
        col(State.environment_id) == environment_id,
        col(State.to_version) > since,
        col(State.to_version) <= version,
        col(State.from_version) <= since,
    )
    held = {row[0]: (Kind(row[1]), row[2]) for row in (await session.execute(ended)).all()}
    keys = {(Kind(kind), key) for _, kind, key in (await session.execute(made)).all()}
    targets = defaultdict[str, set[Node]](set)
    if references and held:
        query = select(
            col(StateReference.primitive_id), col(StateReference.target_kind), col(StateReference.target_key)
        ).where(
            col(StateReference.environment_id) == environment_id,
            col(StateReference.primitive_id).in_(ended.with_only_columns(col(Primitive.id))),
            col(StateReference.from_version) <= since,
            or_(col(StateReference.to_version).is_(None), col(StateReference.to_version) > since),
        )
        for primitive_id, kind, key in (await session.execute(query)).all():
            targets[primitive_id].add(Node(kind, key))
    return Written(
        since,
        frozenset(keys.union(held.values())),
        {held[primitive_id]: frozenset(targets[primitive_id]) for primitive_id in held},
    )
