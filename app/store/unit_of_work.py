"""The unit of work: one use case, one transaction, the one commit.

What a write changes is told to the unit of work. It alone raises the version of each environment touched, writes the
audit row, commits, and tells the serving side: no service can forget any of the three. Leaving it commits, an exception
rolls back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self, cast

from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import col

from app.domain.actors import Actor, Anonymous
from app.domain.commands import UncheckedText
from app.domain.policy import Operation
from app.engine import json_text
from app.models import (
    AuditEvent,
    Environment,
    Instance,
    Org,
    Primitive,
    State,
    Table,
    now,
)
from app.models.base import Identified, Revised
from app.store import changeset
from app.store.audit_guard import GuardedSession
from app.store.changeset import EnvironmentChange, StateChange
from app.store.engines import Database
from app.store.engines.busy import refuse_if_busy


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

    def committed(self, changes: Sequence[EnvironmentChange], gone: Sequence[str], invalidated: Sequence[str]) -> None:
        """Takes in what was committed; `gone` are deleted environments. Must not raise and must not wait.

        `invalidated` are ids of tokens and sessions, or of the organisations and users whose tokens and sessions are to
        be read again before they are trusted.
        """


class UnitOfWork:
    """Opened by a transport for an actor's one request; `session` reads until `begin_write`, then writes."""

    def __init__(
        self,
        database: Database,
        observer: Observer,
        request_id: str,
        actor: Actor | None = None,
        break_glass: UncheckedText | None = None,
    ) -> None:
        self.actor: Actor = actor or Anonymous()
        self.request_id = request_id
        self.break_glass = break_glass
        self.override_used = False
        self.session = database.reading()
        self._database = database
        self._observer = observer
        self._stack = AsyncExitStack()
        self._writing = False
        self._changes: dict[str, EnvironmentChange] = {}
        self._events: list[AuditEvent] = []
        self._gone: list[str] = []
        self._outdated: list[str] = []
        self._deleted = False
        self._on_commit: list[Callable[[], None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if fault is None and self._writing:
                await self._commit()
        except (DBAPIError, OSError) as refused:
            fault = refused
        finally:
            try:
                if not self._writing:
                    await self.session.close()
            finally:
                await self._stack.aclose()
        if fault is not None:
            refuse_if_busy(fault)
            if kind is None:
                raise fault

    async def release(self) -> None:
        """Gives the reader's connection back, before a wait for something else that needs one."""
        if not self._writing:
            await self.session.close()

    async def begin_write(self) -> None:
        """Waits for the turn to write. What was read before may be stale now: read it again."""
        if self._writing:
            return
        await self.session.close()
        self.session = await self._stack.enter_async_context(self._database.writing())
        self._writing = True

    def _require_writing(self) -> None:
        """A change that is told to a unit of work that only reads would be forgotten: a bug."""
        if not self._writing:
            raise RuntimeError("begin_write comes before a change")

    async def lock(self, table: type[Identified | Instance], ids: Iterable[str | int]) -> None:
        """Keeps other writers of the rows out. Rows of several tables are locked from the organisation downwards."""
        await self._database.lock(self.session, (table, ids))

    async def lock_email(self, key: str) -> None:
        """Keeps others from making a user of the email, or redeeming its links. Comes before any lock of rows."""
        await self._database.lock_key(self.session, key)

    def add(self, row: Table) -> None:
        self._require_writing()
        self.session.add(row)

    async def try_to_add(self, row: Table) -> bool:
        """Adds the row unless another node has made one with the same unique value in this moment."""
        try:
            async with self.session.begin_nested():
                self.session.add(row)
        except IntegrityError:
            return False
        return True

    def on_commit(self, told: Callable[[], None]) -> None:
        """Is called once the write has been committed. Must not raise and must not wait."""
        self._on_commit.append(told)

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
        self.invalidate(row.id)
        return True

    async def delete(self, row: Identified, environment_ids: Iterable[str] = ()) -> None:
        """Deletes the row with all below it; `environment_ids` are the environments that go with it."""
        self._deleted |= not isinstance(row, Org)  # an organisation takes its audit with it
        self._gone.extend(environment_ids)
        self.invalidate(row.id)
        await self.session.execute(delete(type(row)).where(col(type(row).id) == row.id))

    def invalidate(self, *ids: str) -> None:
        """What a cache knows of these tokens and sessions, or of all those of these organisations and users, holds no
        longer."""
        self._require_writing()
        self._outdated.extend(ids)

    def end_state(self, environment: Environment, primitive: Primitive) -> None:
        """The primitive is gone from the environment's next version on."""
        self._raise(environment).states.append(StateChange(primitive, None))

    def retarget(self, environment: Environment, target_id_field: str) -> None:
        """Ids come from another field: a change of state in every environment that has been written to."""
        if environment.target_id_field != target_id_field:
            environment.target_id_field = target_id_field
            if environment.version > 0:
                self._raise(environment)

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
            updated_by=self.actor_as_json(),
        )
        change.states.append(StateChange(primitive, state))
        return state

    def raise_version(self, environment: Environment) -> None:
        """Raises the version of an environment that was copied, even when there was nothing to copy."""
        self._raise(environment)

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
        self._require_writing()
        self._events.append(
            AuditEvent(
                org_id=subject.org_id,
                at=now(),
                request_id=self.request_id,
                actor=self.actor_as_json(),
                action=operation.value,
                resource_type=subject.type,
                resource_id=subject.id,
                resource_key=subject.key,
                project_id=subject.project_id,
                environment_id=subject.environment_id,
                reason=reason or (self.break_glass.text if self.break_glass and self.override_used else None),
                break_glass=self.override_used,
                previous_value=None if previous is None else json_text.encode(previous),
                new_value=None if new is None else json_text.encode(new),
            )
        )

    def actor_as_json(self) -> dict[str, Any]:
        """The actor as stored beside what it changed."""
        if isinstance(self.actor, Anonymous):
            raise TypeError("an anonymous caller changes nothing that is audited")
        return self.actor.as_json()

    def _raise(self, environment: Environment) -> EnvironmentChange:
        """The environment's one next version in this transaction."""
        self._require_writing()
        if (change := self._changes.get(environment.id)) is None:
            environment.version += 1
            environment.version_at = _not_before(environment.version_at)
            change = self._changes[environment.id] = EnvironmentChange(environment, environment.version)
        return change

    @property
    def _is_audited(self) -> bool:
        return bool(self._changes) or self._deleted or cast(GuardedSession, self.session.sync_session).touched_audited

    async def _commit(self) -> None:
        await self.session.flush()
        if self._is_audited and not self._events:  # a bug, found before it is committed
            raise RuntimeError("a change was not recorded for the audit")
        await changeset.write(self.session, list(self._changes.values()), self._events)
        try:
            await self.session.commit()
        except BaseException:
            self._doubt()
            raise
        if self._changes or self._gone or self._outdated:
            self._observer.committed(list(self._changes.values()), self._gone, self._outdated)
        for told in self._on_commit:
            told()

    def _doubt(self) -> None:
        """Whether a failed commit took place is not known: the serving side forgets all that it may have changed."""
        self._observer.committed([], [*self._changes, *self._gone], self._outdated)


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
