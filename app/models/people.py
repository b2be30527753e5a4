"""Users, their sessions and their memberships."""

from datetime import datetime

from sqlmodel import Field, UniqueConstraint

from app.domain.actors import Role
from app.models.base import Identified, Instant, words


class User(Identified, table=True):
    """A person. `email` is as typed, `email_key` what emails are compared by."""

    email: str
    email_key: str = Field(unique=True)
    display_name: str
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class Session(Identified, table=True):
    """A signed-in browser; the secret is in its cookie, its SHA-256 here."""

    user_id: str = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    secret_hash: str = Field(unique=True)
    last_seen_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)


class MagicLink(Identified, table=True):
    """A link that signs a user in, once and for a while; the secret is in the link, its SHA-256 here."""

    __tablename__ = "magic_link"

    user_id: str = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    secret_hash: str = Field(unique=True)
    expires_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)


class Membership(Identified, table=True):
    """A person's role in an organisation."""

    __table_args__ = (UniqueConstraint("org_id", "user_id"),)

    org_id: str = Field(foreign_key="org.id", ondelete="CASCADE")
    user_id: str = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    role: Role = Field(sa_type=words(Role))
