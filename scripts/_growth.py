"""Fills the database of a stopped server with what would take hours to make by requests.

What is written is what as many requests would have left there: for each version a state that ended the one before it,
the version's time, and its event in the audit. So a server that is started on it loads a ruleset that is consistent.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, create_engine, select, update

from app.domain.ids import new_id
from app.models import (
    AuditEvent,
    AuditVersion,
    Environment,
    EnvironmentVersion,
    Primitive,
    Proposal,
    ProposalContent,
    ProposalTarget,
    State,
)

Row = dict[str, Any]
RARE, RARELY = 20, "rare"  # so many events have this in each of what they can be filtered by
_ROWS_AT_ONCE = 20_000
_KEYS = 8
_ACTIONS = "update_state", "kill", "restore"
_TYPES = "flag", "flag", "flag", "config"
_DAYS = timedelta(days=59)


class Size(NamedTuple):
    """How much there is. `proposals` are pending, `events` are in the audit beside those of the versions."""

    primitives: int = 100
    versions: int = 100
    events: int = 1_000
    proposals: int = 100


def fill(database: Path, size: Size) -> None:
    """Makes it so large, from one flag whose state was updated, and one proposal: their rows are copied."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA cache_size = -400000")
        filling = _Filling(connection, size)
        filling.primitives()
        filling.versions()
        filling.proposals()
        filling.events()
    engine.dispose()


def _of(table: Any) -> Table:
    found: Table = table.__table__
    return found


class _Filling:
    """The rows that are copied."""

    def __init__(self, connection: Connection, size: Size) -> None:
        self._connection = connection
        self._size = size
        self._flag = self._one(Primitive)
        self._state = self._one(State, _of(State).c.to_version.is_(None))
        self._environment = self._one(Environment)
        self._version = self._one(EnvironmentVersion)
        self._event = self._one(AuditEvent, _of(AuditEvent).c.action == "update_state")
        self._ids = [self._flag["id"], *(new_id() for _ in range(size.primitives - 1))]

    def _one(self, table: Any, *conditions: Any) -> Row:
        return dict(self._connection.execute(select(_of(table)).where(*conditions)).mappings().fetchall()[0])

    def _insert(self, table: Any, rows: Iterable[Row]) -> None:
        left = iter(rows)
        while some := list(islice(left, _ROWS_AT_ONCE)):
            self._connection.execute(_of(table).insert(), some)

    def primitives(self) -> None:
        flags = [{**self._flag, "id": self._ids[n], "key": f"flag-{n}"} for n in range(1, self._size.primitives)]
        self._insert(Primitive, flags)

    def versions(self) -> None:
        """Each is a change of the next flag in turn."""
        first = self._environment["version"] + 1
        number = self._size.versions + 1 - first
        at = _instants(number)
        self._insert(State, self._states(first))
        versions = ({**self._version, "version": first + n, "at": at[n]} for n in range(number))
        self._insert(EnvironmentVersion, versions)

        def changed(n: int) -> tuple[Row, int]:
            flag = n % self._size.primitives
            return {"resource_id": self._ids[flag], "resource_key": f"flag-{flag}"}, first + n

        self._events(at, changed)
        state_bytes = self._size.primitives * len((self._state["rules"] + self._state["default_value"]).encode())
        reached = {"version": self._size.versions, "version_at": at[-1], "state_bytes": state_bytes}
        self._connection.execute(update(_of(Environment)).values(reached))

    def _states(self, first: int) -> Iterator[Row]:
        made, size = self._state["from_version"], self._size
        self._connection.execute(
            update(_of(State)).where(_of(State).c.to_version.is_(None)).values(to_version=first)
        )  # the first flag's, which is not written again
        for n, primitive_id in enumerate(self._ids):
            state = {**self._state, "primitive_id": primitive_id, "id": new_id() if n else self._state["id"]}
            for start, end in pairwise([made, *range(first + n, size.versions + 1, size.primitives), None]):
                if n or start != made:
                    yield {**state, "from_version": start, "to_version": end}

    def proposals(self) -> None:
        proposal, ids = self._one(Proposal), [new_id() for _ in range(self._size.proposals - 1)]
        self._insert(Proposal, ({**proposal, "id": new, "fingerprint": new} for new in ids))
        for table in (ProposalContent, ProposalTarget):
            row = self._one(table)
            self._insert(table, [{**row, "proposal_id": new} for new in ids])

    def events(self) -> None:
        """Of many kinds; half of them have made a version, and a few of them have to be looked for."""
        at, actors = _instants(self._size.events), [new_id() for _ in range(4)]

        def one(n: int) -> tuple[Row, int | None]:
            said = {
                "resource_type": _TYPES[n % len(_TYPES)],
                "resource_id": self._ids[n % len(self._ids)],
                "resource_key": f"flag-{n % _KEYS}",
                "action": _ACTIONS[n % len(_ACTIONS)],
                "actor_id": actors[n % len(actors)],
            }
            if n % (len(at) // RARE) == 0:
                said |= dict.fromkeys(("resource_type", "resource_key", "action", "actor_id"), RARELY)
            return said, 1 if n % 2 else None

        self._events(at, one)

    def _events(self, at: list[datetime], one: Callable[[int], tuple[Row, int | None]]) -> None:
        """An event at each instant. `one` gives what differs, and the version that it made."""
        versions: list[Row] = []

        def rows() -> Iterator[Row]:
            for n, instant in enumerate(at):
                said, version = one(n)
                event = {"id": new_id(), "at": instant, "created_at": instant}
                if version is not None:
                    made = {"environment_id": self._environment["id"], "version": version}
                    versions.append({"id": new_id(), "created_at": instant, "event_id": event["id"], **made})
                yield {**self._event, **event, **said}

        self._insert(AuditEvent, rows())
        self._insert(AuditVersion, versions)


def _instants(number: int) -> list[datetime]:
    """However many, they are spread over the same days, which are over."""
    began = datetime.now(UTC) - _DAYS
    return [began + _DAYS * (n / number) for n in range(number)]
