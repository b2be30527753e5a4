"""The audit trail: who did what, to what, why, and in which request."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text, text
from sqlmodel import Field

from app.models.base import Identified, Instant, Table

FOUNDED = text("action = 'create_org'")


def _listed(*columns: str) -> Index:
    return Index(f"ix_audit_event_{'_'.join(columns)}", "org_id", *columns, "id")


class AuditEvent(Identified, table=True):
    """One change, or one security event. What a state was and became follows from its versions; for other rows, both
    are kept as JSON text.

    It names organisations, actors, projects, environments and proposals by id without a foreign key, for it outlives
    them. `org_id` None: it is the instance's. `approvers` are actors like `actor`. Only security events have an
    `address`.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        # For the whole instance's, oldest first.
        Index("ix_audit_event_at_id", "at", "id"),
        # For lists, newest first, by each of what they are narrowed by.
        _listed("at"),
        _listed("actor_id", "at"),
        _listed("action", "at"),
        _listed("resource_type", "at"),
        _listed("resource_type", "resource_key", "at"),
        _listed("resource_key", "at"),
        Index("ix_audit_event_project_id_at", "project_id", "at", "id"),
        Index("ix_audit_event_resource_id_at", "resource_id", "at", "id"),
        # For the few among all that a person did.
        Index("ix_audit_event_founded", "actor_id", "org_id", sqlite_where=FOUNDED, postgresql_where=FOUNDED),
    )

    org_id: str | None = None
    at: datetime = Field(sa_type=Instant)
    request_id: str
    actor: dict[str, Any] = Field(sa_type=JSON)
    actor_kind: str
    actor_id: str
    approvers: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    proposal_id: str | None = None
    action: str
    resource_type: str
    resource_id: str
    resource_key: str
    project_id: str | None = None
    environment_id: str | None = None
    address: str | None = None
    reason: str | None = None
    break_glass: bool = False
    previous_value: str | None = Field(default=None, sa_type=Text)
    new_value: str | None = Field(default=None, sa_type=Text)


class DeletedOrg(Table, table=True):
    """An organisation that is gone, and whose audit is kept for a while."""

    __tablename__ = "deleted_org"

    id: str = Field(primary_key=True)
    slug: str = Field(index=True)
    deleted_at: datetime = Field(sa_type=Instant)


class AuditOpening(Table, table=True):
    """While a transaction has a row here, which no other sees, it may change the audit: triggers look for it."""

    __tablename__ = "audit_opening"

    id: str = Field(primary_key=True)


class AuditVersion(Identified, table=True):
    """Which version of which environment an audited change made: one row for each environment it touched."""

    __tablename__ = "audit_version"

    __table_args__ = (
        Index("ix_audit_version_environment", "environment_id", "created_at", "event_id"),
        Index("ix_audit_version_version", "environment_id", "version"),
    )

    event_id: str = Field(foreign_key="audit_event.id", index=True, ondelete="CASCADE")
    environment_id: str
    version: int
