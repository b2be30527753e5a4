"""Invitations to an organisation."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field

from app.domain.actors import Role
from app.models.base import Identified, Instant, words


class Invitation(Identified, table=True):
    """An invitation of one email to an organisation. An accepted one stays; a revoked or replaced one is deleted."""

    __table_args__ = (
        Index(
            "uq_invitation_open",
            "org_id",
            "email_key",
            unique=True,
            sqlite_where=text("accepted_at IS NULL"),
            postgresql_where=text("accepted_at IS NULL"),
        ),
    )

    org_id: str = Field(foreign_key="org.id", ondelete="CASCADE")
    email: str
    email_key: str = Field(index=True)
    role: Role = Field(sa_type=words(Role))
    invited_by: dict[str, Any] = Field(sa_type=JSON)
    expires_at: datetime = Field(sa_type=Instant)
    accepted_at: datetime | None = Field(default=None, sa_type=Instant)


class InvitationSecret(Identified, table=True):
    """The SHA-256 of a secret that opens an invitation: one is shown to who invites, each mail has its own."""

    __tablename__ = "invitation_secret"

    invitation_id: str = Field(foreign_key="invitation.id", index=True, ondelete="CASCADE")
    secret_hash: str = Field(unique=True)
