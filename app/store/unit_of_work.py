"""The unit of work: one use case, one transaction, one instant, the one commit.

What a write changes is collected in its changeset, which raises the version of each environment touched. The commit
writes states and audit, and passes on what changed. Leaving the unit commits, an exception
rolls back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import Actor, Anonymous
from app.domain.operations import Operation
from app.domain.proposals import ProposalEvent
from app.domain.security_events import ADMISSIONS, NOBODY, Concerned, Refusal, SecurityEvent
from app.engine import json_text
from app.models import AuditEvent, Instance, State, Table
from app.models.base import Identified, Revised
from app.store.audit_guard import GuardedSession
from app.store.changeset import Changeset, EntryChanges
from app.store.engines import Database
from app.store.engines.busy import refuse_if_busy
from app.store.host import NO_CLIENT, Client, Host

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Subject:
    """What an audited change was done to; `org_id` None for what is no organisation's."""

    org_id: str | None
    type: str
    id: str
    key: str
    project_id: str | None = None
    environment_id: str | None = None


class UnitOfWork:
    """Opened by a transport for an actor's one request; `session` reads until `begin_write`, then writes.

    `now` is the one instant of all that it does: when it begins, and once it writes, when its write begins.
    """

    def __init__(
        self,
        database: Database,
        host: Host,
        request_id: str,
        actor: Actor | None = None,
        *,
        client: Client = NO_CLIENT,
        break_glass: str | None = None,
    ) -> None:
        self.host = host
        self.actor: Actor = actor or Anonymous()
        self.client = client
        self.request_id = request_id
        self.break_glass = break_glass
        self.now: datetime = host.now()
        self.directory_generation = host.directory.generation  # nothing is read before
        self._session: AsyncSession | None = None
        self._database = database
        self._stack = AsyncExitStack()
        self._changes: Changeset | None = None
        self._on_commit: list[Callable[[], None]] = []

    async def __aenter__(self) -> Self:
        await self._database.require_lease()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if fault is None and self._changes is not None:
                await self._commit(self._changes)
        except (DBAPIError, OSError) as refused:
            fault = refused
        finally:
            try:
                await self.release()
            finally:
                await self._stack.aclose()
        if fault is not None:
            refuse_if_busy(fault)
            if kind is None:
                raise fault

    @property
    def session(self) -> AsyncSession:
        """A reader's, opened when first used, until the write begins."""
        if self._session is None:
            self._session = self._database.reading()
        return self._session

    async def release(self) -> None:
        """Gives the reader's connection back, before a wait for something else that needs one."""
        if self._changes is None and self._session is not None:
            await self._session.close()

    async def begin_write(self) -> None:
        """Waits for the turn to write. What was read before may be stale now: read it again."""
        if self._changes is None:
            await self.release()
            self._database.waiting_writers += 1
            try:
                self._session = await self._stack.enter_async_context(self._database.writing())
            finally:
                self._database.waiting_writers -= 1
            self.now = self.host.now()
            self._changes = Changeset(self.now)

    @property
    def is_writing(self) -> bool:
        return self._changes is not None

    @property
    def changes(self) -> Changeset:
        """What is going to be committed. A change of a unit that only reads would be forgotten: a bug."""
        if self._changes is None:
            raise RuntimeError("begin_write comes before a change")
        return self._changes

    def entries_of(self, state: State) -> EntryChanges:
        """What the lists of the state get and lose when the unit is committed."""
        return {} if self._changes is None else self._changes.entries_of(state.environment_id, state.primitive_id)

    async def lock(self, table: type[Identified | Instance], ids: Iterable[str | int]) -> None:
        """Keeps other writers of the rows out. Rows of several tables are locked from the organisation downwards."""
        await self._database.lock(self.session, (table, ids))

    async def lock_email(self, key: str) -> None:
        """Keeps others from making a user of the email, or redeeming its links. Comes before any lock of rows."""
        await self._database.lock_key(self.session, key)

    def add(self, row: Table) -> None:
        """A new row, made at the unit's instant."""
        self.session.add(self._dated(row))
        _ = self.changes

    async def try_to_add(self, row: Table) -> bool:
        """Adds the row unless another node has made one with the same unique value meanwhile."""
        try:
            async with self.session.begin_nested():
                self.session.add(self._dated(row))
        except IntegrityError:
            return False
        return True

    def on_commit(self, call: Callable[[], None]) -> None:
        """Is called once the write has been committed. Must not raise and must not wait."""
        self._on_commit.append(call)

    async def flush(self) -> None:
        """Sends what was added so far, for rows that refer to it."""
        await self.session.flush()

    def revise(self, row: Revised, values: Mapping[str, Any]) -> dict[str, Any]:
        """Sets the values of a row that people change; gives what they were, empty where it had them all."""
        new = {name: value for name, value in values.items() if getattr(row, name) != value}
        previous = {name: getattr(row, name) for name in new}
        for name, value in new.items():
            setattr(row, name, value)
        if new:
            self.touch(row)
        return previous

    def touch(self, row: Revised) -> None:
        """Makes another revision of the row, for what is shown with it changes."""
        row.revision += 1
        row.updated_at = self.now
        self.changes.invalidate(row.id)

    async def delete(self, row: Identified, environment_ids: Iterable[str] = ()) -> None:
        """Deletes the row with all below it; `environment_ids` are the environments that go with it."""
        self.changes.delete_environments(environment_ids)
        self.changes.invalidate(row.id)
        self._guarded.touched_audited = True
        await self.session.execute(delete(type(row)).where(col(type(row).id) == row.id))

    def note_refusal(self, event: SecurityEvent, code: str, concerned: Concerned = NOBODY) -> None:
        """A caller does not get in. What the unit writes is rolled back, and anybody can be refused as often as they
        like: so it is only counted here, and written by a job."""
        self.host.note_refusal(Refusal(event, code, concerned, self.request_id, self.client.address))

    def record(
        self,
        operation: Operation | SecurityEvent | ProposalEvent,
        subject: Subject,
        *,
        reason: str | None = None,
        override: str | None = None,
        previous: Any | None = None,
        new: Any | None = None,
        proposal_id: str | None = None,
        approvers: Sequence[dict[str, Any]] = (),
    ) -> None:
        """The audit row of the change. `previous` and `new` are for what does not follow from versions of a state.

        `override` is the reason why protection was overridden, where it was: both reasons are kept. `approvers` are
        those of the proposal.
        """
        actor = self.actor_as_json()
        logged = isinstance(operation, SecurityEvent) and self.host.settings.log_addresses
        address = self.client.address if logged else None
        if operation in ADMISSIONS:  # refusals are logged when they happen, changes by the request's line
            self.on_commit(partial(log.info, operation.value, actor=f"{actor['kind']}:{actor['id']}"))
        self.changes.events.append(
            AuditEvent(
                created_at=self.now,
                org_id=subject.org_id,
                at=self.now,
                request_id=self.request_id,
                actor=actor,
                actor_kind=actor["kind"],
                actor_id=actor["id"],
                approvers=list(approvers),
                proposal_id=proposal_id,
                action=operation.value,
                resource_type=subject.type,
                resource_id=subject.id,
                resource_key=subject.key,
                project_id=subject.project_id,
                environment_id=subject.environment_id,
                address=None if address is None else str(address),
                reason="\n".join(dict.fromkeys(filter(None, (override, reason)))) or None,
                break_glass=override is not None,
                previous_value=None if previous is None else json_text.encode(previous),
                new_value=None if new is None else json_text.encode(new),
            )
        )

    def actor_as_json(self) -> dict[str, Any]:
        """The actor as stored with what it changed."""
        if isinstance(self.actor, Anonymous):
            raise TypeError("an anonymous caller changes nothing that is audited")
        return self.actor.as_json()

    def _dated(self, row: Table) -> Table:
        if isinstance(row, Identified) and row.created_at is None:
            row.created_at = self.now
        if isinstance(row, Revised) and row.updated_at is None:
            row.updated_at = row.created_at
        return row

    @property
    def _guarded(self) -> GuardedSession:
        return cast(GuardedSession, self.session.sync_session)

    async def _commit(self, changes: Changeset) -> None:
        await self.session.flush()
        if (changes.environments or self._guarded.touched_audited) and not changes.events:
            raise RuntimeError("a change was not recorded for the audit")  # a bug, found before it is committed
        await changes.write(self.session)
        # Now, for a server that takes over waits for the writes that have begun, and not for those that begin then.
        await self._database.require_lease()
        commit = changes.doubt()
        try:
            await self.session.commit()
            commit = changes.committed()
        finally:
            for handler in self.host.on_commit if any(commit) else ():
                handler(commit)
        for call in self._on_commit:
            call()
