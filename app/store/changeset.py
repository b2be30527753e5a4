"""What a commit changes: the versions it makes, the states they hold, and the audit of both.

These rows refer to what is there already, and what they hold is known, so they are written past the ORM, which would
take several times as long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from sqlalchemy import Insert, bindparam, insert, inspect, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.domain.ids import new_id
from app.models import AuditEvent, AuditVersion, Environment, EnvironmentVersion, Primitive, State, Table

_IDS_A_STATEMENT = 1000
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateChange:
    """A primitive's state as it is from now on; `state` None: the primitive is gone."""

    primitive: Primitive
    state: State | None


@dataclass(slots=True)
class EnvironmentChange:
    """What one commit changed in an environment, and the version that it made."""

    environment: Environment
    version: int
    states: list[StateChange] = field(default_factory=list)


async def write(session: AsyncSession, changes: Sequence[EnvironmentChange], events: Sequence[AuditEvent]) -> None:
    """All of it. A state that was current ends before the next begins, for only one may be current."""
    connection = await session.connection()
    states = [one.state for change in changes for one in change.states if one.state is not None]
    await _insert(connection, EnvironmentVersion, [_version(change) for change in changes])
    for change in changes:
        await _end_states(connection, change)
    await _insert(connection, State, map(_values, states))
    await _insert(connection, AuditEvent, map(_values, events))
    await _insert(connection, AuditVersion, [_audited(event, change) for event in events for change in changes])


def _version(change: EnvironmentChange) -> Values:
    return {
        "environment_id": change.environment.id,
        "version": change.version,
        "at": change.environment.version_at,
        "target_id_field": change.environment.target_id_field,
    }


def _audited(event: AuditEvent, change: EnvironmentChange) -> Values:
    return {
        "id": new_id(),
        "created_at": event.created_at,
        "event_id": event.id,
        "environment_id": change.environment.id,
        "version": change.version,
    }


async def _end_states(connection: AsyncConnection, change: EnvironmentChange) -> None:
    ids = [one.primitive.id for one in change.states]
    for start in range(0, len(ids), _IDS_A_STATEMENT):
        sought = {"environment": change.environment.id, "primitives": ids[start : start + _IDS_A_STATEMENT]}
        await connection.execute(_END, {**sought, "ended": change.version})


def _values(row: Table) -> Values:
    return {name: getattr(row, name) for name in type(row).model_fields}


async def _insert(connection: AsyncConnection, table: type[Table], rows: Iterable[Values]) -> None:
    if values := list(rows):
        await connection.execute(_insertion(table), values)


def _bare(table: type[Table]) -> SqlTable:
    """The table without its ORM."""
    return cast(SqlTable, inspect(table).local_table)


@cache
def _insertion(table: type[Table]) -> Insert:
    return insert(_bare(table))


_END = (
    update(_bare(State))
    .where(
        col(State.environment_id) == bindparam("environment"),
        col(State.primitive_id).in_(bindparam("primitives", expanding=True)),
        col(State.to_version).is_(None),
    )
    .values(to_version=bindparam("ended"))
)
