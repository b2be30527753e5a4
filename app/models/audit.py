"""The audit trail: who did what, to what, why, and in which request."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text
from sqlmodel import Field

from app.models.base import Identified, Instant


class AuditEvent(Identified, table=True):
    """One change. What a state was and became follows from its versions; for other rows, both are kept as JSON text.

    It names actors, projects, environments and proposals by id without a foreign key, for it outlives them.
    `approvers` are actors like `actor`.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_org_id_id", "org_id", "id"),
        Index("ix_audit_event_org_id_actor_id_id", "org_id", "actor_id", "id"),
    )

    org_id: str = Field(foreign_key="org.id", ondelete="CASCADE")
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
    reason: str | None = None
    break_glass: bool = False
    previous_value: str | None = Field(default=None, sa_type=Text)
    new_value: str | None = Field(default=None, sa_type=Text)


class AuditVersion(Identified, table=True):
    """Which version of which environment an audited change made: one row for each environment it touched."""

    __tablename__ = "audit_version"

    event_id: str = Field(foreign_key="audit_event.id", index=True, ondelete="CASCADE")
    environment_id: str
    version: int
