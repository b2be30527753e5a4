"""Users, their sessions and their memberships."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, UniqueConstraint

from app.domain.actors import Role
from app.models.base import Identified, Instant, Revised, words


class User(Identified, table=True):
    """A person. `email` is as typed, `email_key` what emails are compared by.

    `email_verified_at` is None until they have shown that the mailbox is theirs: an invitation's link may have been
    opened by whoever made it. A deleted user stays, so that nobody takes the email over. `notify` says which news of
    proposals they want, where they chose; else they want all. `news_mailed_at` is
    when they had the last mail of it.
    """

    email: str
    email_key: str = Field(unique=True)
    display_name: str
    email_verified_at: datetime | None = Field(default=None, sa_type=Instant)
    notify: dict[str, bool] = Field(default={}, sa_type=JSON)
    news_mailed_at: datetime | None = Field(default=None, sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class Session(Identified, table=True):
    """A signed-in browser; the secret is in its cookie, its SHA-256 here.

    `browser` is what it is called, `address` where it signed in from.
    """

    user_id: str = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    secret_hash: str = Field(unique=True)
    browser: str | None = None
    address: str | None = None
    last_seen_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)


class MagicLink(Identified, table=True):
    """A link that signs whoever has the email in, once and for a while; its secret's SHA-256 is here.

    `mailed`: it proves the mailbox (the operator's does not). `browser_hash` identifies the browser that asked for it.
    `signup` is the organisation to make when it is redeemed, `next_path` the page that whoever asked for it wanted.
    """

    __tablename__ = "magic_link"

    email: str
    email_key: str = Field(index=True)
    secret_hash: str = Field(unique=True)
    mailed: bool = False
    browser_hash: str | None = None
    signup: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    next_path: str | None = None
    expires_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)


class KnownBrowser(Identified, table=True):
    """A browser in which the user has signed in, which lasts longer than a session; the secret is in its cookie."""

    __tablename__ = "known_browser"
    __table_args__ = (UniqueConstraint("browser_hash", "user_id"),)

    browser_hash: str
    user_id: str = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    signed_in_at: datetime = Field(sa_type=Instant)


class Membership(Revised, table=True):
    """A person's role in an organisation."""

    __table_args__ = (UniqueConstraint("org_id", "user_id"),)

    org_id: str = Field(foreign_key="org.id", ondelete="CASCADE")
    user_id: str = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    role: Role = Field(sa_type=words(Role))
