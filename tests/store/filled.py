"""A database as it is after a while: with many organisations, and some thousands of rows of all that grows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert

from app.domain.actors import Role
from app.domain.operations import Operation
from app.domain.proposals import ProposalKind, ProposalStatus
from app.engine.kinds import SPECS, Kind
from app.models import (
    AuditEvent,
    AuditVersion,
    DeletedOrg,
    Environment,
    EnvironmentVersion,
    Membership,
    Org,
    Primitive,
    Project,
    Proposal,
    ProposalContent,
    ProposalTarget,
    State,
    StateEntry,
    StateReference,
    Table,
    User,
)
from app.store.pieces import pieces

ORGS, PROJECTS, ENVIRONMENTS, MEMBERS, PRIMITIVES, VERSIONS = 25, 2, 2, 3, 40, 50
EVENTS, PROPOSALS = 200, 100  # of an organisation
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=300)
ACTIONS = [
    Operation.UPDATE_STATE,
    Operation.KILL,
    Operation.RESTORE,
    Operation.CREATE_PRIMITIVE,
    Operation.DELETE_PRIMITIVE,
    Operation.APPLY_PROPOSAL,
]
KINDS = list(Kind)
ENDED = [ProposalStatus.APPLIED, ProposalStatus.CANCELLED, ProposalStatus.EXPIRED]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Some:
    """One of what there is of each, in the midst of the others, all of the same project."""

    org_id: str
    user_id: str
    project_id: str
    environment_id: str
    other_environment_id: str
    primitive_id: str
    proposal_id: str
    event_id: str


def id_of(table: Any, number: int) -> str:
    """Ids are in the order of creation, and those of different tables differ."""
    return str(UUID(int=(number << 80) + (7 << 76) + sum(table.__tablename__.encode())))


def some() -> Some:
    org = ORGS // 2
    project, environment = org * PROJECTS, org * PROJECTS * ENVIRONMENTS
    return Some(
        org_id=id_of(Org, org),
        user_id=id_of(User, org * MEMBERS),
        project_id=id_of(Project, project),
        environment_id=id_of(Environment, environment),
        other_environment_id=id_of(Environment, environment + 1),
        primitive_id=id_of(Primitive, project * PRIMITIVES + KINDS.index(Kind.SEGMENT)),
        proposal_id=id_of(Proposal, PROPOSALS // 2 * ORGS + org),
        event_id=id_of(AuditEvent, EVENTS // 2 * ORGS + org),
    )


def fill(connection: Connection) -> None:
    """Makes the tables and fills them."""
    Table.metadata.create_all(connection)
    for table, rows in (
        (Org, _orgs()),
        (User, _users()),
        (Membership, _memberships()),
        (Project, _projects()),
        (Environment, _environments()),
        (EnvironmentVersion, _versions()),
        (Primitive, _primitives()),
        (State, _states()),
        (StateEntry, _entries()),
        (StateReference, _references()),
        (Proposal, _proposals()),
        (ProposalTarget, _targets()),
        (ProposalContent, _contents()),
        (AuditEvent, _events()),
        (AuditVersion, _versions_of_events()),
        (DeletedOrg, [{"id": id_of(Org, 0), "slug": "gone", "deleted_at": START}]),
    ):
        for some_rows in pieces(list(rows), 5000):
            connection.execute(insert(table.__table__), some_rows)


def _at(number: int) -> datetime:
    return START + timedelta(minutes=number)


def _made(table: Any, number: int, *, revised: bool = True) -> Row:
    at = _at(number)
    return {"id": id_of(table, number), "created_at": at, **({"updated_at": at} if revised else {})}


def _orgs() -> Iterator[Row]:
    for org in range(ORGS):
        yield {**_made(Org, org), "slug": f"org-{org}", "name": f"Org {org}"}


def _users() -> Iterator[Row]:
    for user in range(ORGS * MEMBERS):
        email = f"user-{user}@example.com"
        row = _made(User, user, revised=False)
        yield {**row, "email": email, "email_key": email, "display_name": f"User {user}"}


def _memberships() -> Iterator[Row]:
    for user in range(ORGS * MEMBERS):
        for place, org in enumerate((user // MEMBERS, (user // MEMBERS + 1) % ORGS)):
            row = _made(Membership, user * 2 + place)
            yield {**row, "org_id": id_of(Org, org), "user_id": id_of(User, user), "role": Role.EDITOR}


def _projects() -> Iterator[Row]:
    for project in range(ORGS * PROJECTS):
        row = {**_made(Project, project), "org_id": id_of(Org, project // PROJECTS)}
        yield {**row, "key": f"project-{project}", "name": f"Project {project}"}


def _environments() -> Iterator[Row]:
    for environment in range(ORGS * PROJECTS * ENVIRONMENTS):
        yield {
            **_made(Environment, environment),
            "project_id": id_of(Project, environment // ENVIRONMENTS),
            "key": f"env-{environment}",
            "name": f"Environment {environment}",
            "target_id_field": "user.id",
            "version": VERSIONS,
            "version_at": _at(VERSIONS),
        }


def _versions() -> Iterator[Row]:
    for environment in range(ORGS * PROJECTS * ENVIRONMENTS):
        for version in range(1, VERSIONS + 1):
            yield {
                "environment_id": id_of(Environment, environment),
                "version": version,
                "at": _at(version * 1000),
                "target_id_field": "user.id",
            }


def _primitives() -> Iterator[Row]:
    for primitive in range(ORGS * PROJECTS * PRIMITIVES):
        kind = KINDS[primitive % len(KINDS)]
        yield {
            **_made(Primitive, primitive),
            "project_id": id_of(Project, primitive // PRIMITIVES),
            "kind": kind,
            "space": SPECS[kind].space,
            "key": f"key-{primitive}",
            "value_type": "boolean" if kind is Kind.FLAG else None,
            "description": "What it is for. " * 10,
        }


def _in_environments() -> Iterator[tuple[int, int, Row]]:
    """Each primitive in each environment of its project: the number of either, and their ids."""
    for environment in range(ORGS * PROJECTS * ENVIRONMENTS):
        for primitive in range(
            environment // ENVIRONMENTS * PRIMITIVES, (environment // ENVIRONMENTS + 1) * PRIMITIVES
        ):
            ids = {"environment_id": id_of(Environment, environment), "primitive_id": id_of(Primitive, primitive)}
            yield environment, primitive, ids


def _states() -> Iterator[Row]:
    for number, (environment, primitive, ids) in enumerate(_in_environments()):
        changed = 2 + (environment + primitive) % (VERSIONS - 2)
        row = {**ids, "id": id_of(State, number), "updated_at": _at(number), "updated_by": {}, "rules": "[]"}
        yield {**row, "from_version": 1, "to_version": changed, "default_value": "false"}
        yield {**row, "from_version": changed, "to_version": None, "default_value": "true"}


def _entries() -> Iterator[Row]:
    for environment, primitive, ids in _in_environments():
        if KINDS[primitive % len(KINDS)] is Kind.SEGMENT:
            for entry in range(6):
                row = {**ids, "list": "allowList" if entry % 2 else "denyList", "entry": f"u-{environment}-{entry}"}
                yield {**row, "from_version": 1 + entry, "to_version": 20 if entry < 2 else None}


def _references() -> Iterator[Row]:
    for _, primitive, ids in _in_environments():
        target = {"target_kind": "primitive", "target_key": f"key-{primitive // PRIMITIVES * PRIMITIVES}"}
        yield {**ids, **target, "path": "/0", "from_version": 1, "to_version": 9}
        yield {**ids, **target, "path": "/0", "from_version": 9, "to_version": None}


def _place(number: int) -> tuple[int, int, int]:
    """Where the event or the proposal belongs: to all organisations in turn, and to all that each has."""
    org, turn = number % ORGS, number // ORGS
    project = org * PROJECTS + turn % PROJECTS
    return org, project, project * ENVIRONMENTS + turn // PROJECTS % ENVIRONMENTS


def _proposals() -> Iterator[Row]:
    for number in range(ORGS * PROPOSALS):
        org, project, environment = _place(number)
        turn = number // ORGS
        user = id_of(User, org * MEMBERS + turn % MEMBERS)
        status = ProposalStatus.PENDING if turn % 10 == 0 else ENDED[turn % len(ENDED)]
        overdue = turn % 50 == 0
        yield {
            **_made(Proposal, number),
            "org_id": id_of(Org, org),
            "project_id": id_of(Project, project),
            "environment_id": None if turn % 20 == 0 else id_of(Environment, environment),
            "kind": ProposalKind.PROMOTE,
            "fingerprint": f"fingerprint-{number}",
            "proposed_versions": {},
            "actor": {"type": "user", "id": user, "name": "User"},
            "proposer_id": user,
            "person_id": user,
            "status": status,
            "expires_at": NOW + timedelta(days=-1 if overdue or status is not ProposalStatus.PENDING else 7),
        }


def _targets() -> Iterator[Row]:
    for number in range(ORGS * PROPOSALS):
        _, project, _ = _place(number)
        turn = number // ORGS
        for place in range(1 + turn % 3):
            primitive = project * PRIMITIVES + (turn + place) % PRIMITIVES
            yield {
                "proposal_id": id_of(Proposal, number),
                "primitive_id": id_of(Primitive, primitive),
                "kind": KINDS[primitive % len(KINDS)],
                "key": f"key-{primitive}",
                "pending": turn % 10 == 0,
            }


def _contents() -> Iterator[Row]:
    for number in range(ORGS * PROPOSALS):
        yield {"proposal_id": id_of(Proposal, number), "after": "[]" * 100, "blast_radius": "{}", "size": 202}


def _events() -> Iterator[Row]:
    for number in range(ORGS * EVENTS):
        org, project, environment = _place(number)
        turn = number // ORGS
        primitive = project * PRIMITIVES + turn % PRIMITIVES
        user = id_of(User, org * MEMBERS + turn % MEMBERS)
        yield {
            **_made(AuditEvent, number, revised=False),
            "org_id": id_of(Org, org) if number % 50 else None,
            "at": _at(number),
            "request_id": f"request-{number}",
            "actor": {"type": "user", "id": user, "name": "User"},
            "actor_kind": "user",
            "actor_id": user,
            "action": ACTIONS[turn % len(ACTIONS)] if turn else Operation.CREATE_ORG,
            "resource_type": KINDS[primitive % len(KINDS)],
            "resource_id": id_of(Primitive, primitive),
            "resource_key": f"key-{primitive}",
            "project_id": id_of(Project, project),
            "environment_id": id_of(Environment, environment),
        }


def _versions_of_events() -> Iterator[Row]:
    for number in range(ORGS * EVENTS):
        _, _, environment = _place(number)
        yield {
            **_made(AuditVersion, number, revised=False),
            "event_id": id_of(AuditEvent, number),
            "environment_id": id_of(Environment, environment),
            "version": 1 + number // ORGS % VERSIONS,
        }
