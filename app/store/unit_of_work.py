"""The unit of work: one use case, one transaction, the one commit.

What a write changes is told to the unit of work. It alone raises the version of each environment touched, writes the
audit row, commits, and tells the serving side: no service can forget any of the three. Leaving it commits, an exception
rolls back.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from sqlalchemy import event, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session as SyncSession
from sqlmodel import col

from app.domain import json_text
from app.domain.actors import Actor, Anonymous
from app.domain.errors import AppError
from app.domain.policy import Operation
from app.models import (
    AuditEvent,
    AuditVersion,
    Environment,
    EnvironmentVersion,
    Primitive,
    State,
    Table,
    now,
)
from app.models.base import Revised
from app.store.engines import Database, is_busy

_IDS_A_STATEMENT = 1000


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


@dataclass(frozen=True, slots=True)
class Subject:
    """What an audited change was done to."""

    org_id: str
    type: str
    id: str
    key: str
    project_id: str | None = None
    environment_id: str | None = None


class Observer(Protocol):
    """The serving side: told after the commit, before the next write of the same environment."""

    def committed(self, changes: Sequence[EnvironmentChange]) -> None:
        """Takes in what was committed. Must not raise and must not wait."""


class UnitOfWork:
    """Opened by a transport for an actor's one request; `session` reads until `begin_write`, then writes."""

    def __init__(self, database: Database, observer: Observer, request_id: str, actor: Actor | None = None) -> None:
        self.actor: Actor = actor or Anonymous()
        self.request_id = request_id
        self.session = database.reading()
        self._database = database
        self._observer = observer
        self._stack = AsyncExitStack()
        self._writing = False
        self._changes: dict[str, EnvironmentChange] = {}
        self._events: list[AuditEvent] = []
        self._audited_rows = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if fault is None and self._writing:
                await self._commit()
        except DBAPIError as refused:
            fault = refused
        finally:
            await self.session.close()
            await self._stack.aclose()
        if isinstance(fault, DBAPIError) and is_busy(fault):
            raise AppError("unavailable", "The database cannot serve now.") from fault
        if isinstance(fault, DBAPIError) and kind is None:
            raise fault

    async def begin_write(self) -> None:
        """Waits for the turn to write. What was read before may be stale now: read it again."""
        if self._writing:
            return
        await self.session.close()
        self.session = await self._stack.enter_async_context(self._database.writing())
        self._writing = True
        event.listen(self.session.sync_session, "before_flush", self._watch)

    def add(self, row: Table) -> None:
        """A new row."""
        self.session.add(row)

    async def flush(self) -> None:
        """Sends what was added so far, for rows that refer to it."""
        await self.session.flush()

    def revise(
        self,
        operation: Operation,
        subject: Subject,
        row: Revised,
        values: Mapping[str, Any],
        reason: str | None = None,
    ) -> bool:
        """Sets and records the values of a row that people change. False, and nothing done, if it has them all."""
        new = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not new:
            return False
        self.record(operation, subject, reason=reason, previous={name: getattr(row, name) for name in new}, new=new)
        for name, value in new.items():
            setattr(row, name, value)
        row.revision += 1
        row.updated_at = now()
        return True

    def write_state(
        self, environment: Environment, primitive: Primitive, current: State | None, **values: Any
    ) -> State:
        """The primitive's state from the next version on: `current` with `values`, or a first one.

        The rows are written at the commit.
        """
        change = self._raise(environment)
        state = State(
            **{**_carried(current), **values},
            from_version=change.version,
            environment_id=environment.id,
            primitive_id=primitive.id,
            updated_at=environment.version_at,
            updated_by=self.actor_shown(),
        )
        change.states.append(StateChange(primitive, state))
        return state

    def record(
        self,
        operation: Operation,
        subject: Subject,
        *,
        reason: str | None = None,
        previous: Any | None = None,
        new: Any | None = None,
    ) -> None:
        """The audit row of the change. `previous` and `new` are for what is not told by state versions."""
        self._events.append(
            AuditEvent(
                org_id=subject.org_id,
                at=now(),
                request_id=self.request_id,
                actor=self.actor_shown(),
                action=operation.value,
                resource_type=subject.type,
                resource_id=subject.id,
                resource_key=subject.key,
                project_id=subject.project_id,
                environment_id=subject.environment_id,
                reason=reason,
                previous_value=None if previous is None else json_text.encode(previous),
                new_value=None if new is None else json_text.encode(new),
            )
        )

    def actor_shown(self) -> dict[str, Any]:
        """The actor as stored beside what it changed."""
        if isinstance(self.actor, Anonymous):
            raise TypeError("an anonymous caller changes nothing that is audited")
        return self.actor.shown()

    def _raise(self, environment: Environment) -> EnvironmentChange:
        """The environment's one next version in this transaction."""
        if (change := self._changes.get(environment.id)) is None:
            environment.version += 1
            environment.version_at = _not_before(environment.version_at)
            self.session.add(
                EnvironmentVersion(
                    environment_id=environment.id, version=environment.version, at=environment.version_at
                )
            )
            change = self._changes[environment.id] = EnvironmentChange(environment, environment.version)
        return change

    def _watch(self, session: SyncSession, *_: Any) -> None:
        """A change of what is audited that nobody recorded is a bug, found before it is committed."""
        touched = (*session.new, *session.dirty, *session.deleted)
        self._audited_rows |= any(isinstance(row, (Revised, State)) for row in touched)

    async def _commit(self) -> None:
        for change in self._changes.values():
            await _write_states(self.session, change)
        self.session.add_all(self._events)
        await self.session.flush()
        self.session.add_all(
            AuditVersion(event_id=audit_event.id, environment_id=change.environment.id, version=change.version)
            for audit_event in self._events
            for change in self._changes.values()
        )
        if self._audited_rows and not self._events:
            raise RuntimeError("a change was not recorded for the audit")
        await self.session.commit()
        if self._changes:
            self._observer.committed(list(self._changes.values()))


async def _write_states(session: AsyncSession, change: EnvironmentChange) -> None:
    """Ends the rows that were current, then adds those that are: in this order, for only one may be current."""
    ended = [item.primitive.id for item in change.states]
    for start in range(0, len(ended), _IDS_A_STATEMENT):
        await session.execute(
            update(State)
            .where(
                col(State.environment_id) == change.environment.id,
                col(State.primitive_id).in_(ended[start : start + _IDS_A_STATEMENT]),
                col(State.to_version).is_(None),
            )
            .values(to_version=change.version)
            .execution_options(synchronize_session=False)
        )
    session.add_all(item.state for item in change.states if item.state is not None)


def _carried(current: State | None) -> dict[str, Any]:
    if current is None:
        return {}
    return {
        "id": current.id,
        "default_value": current.default_value,
        "rules": current.rules,
        "killed": current.killed,
    }


def _not_before(previous: datetime) -> datetime:
    """Now, but never before the version's predecessor, should the clock have been set back."""
    return max(now(), previous)
