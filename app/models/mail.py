"""The queue of mail."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, Text, text
from sqlmodel import Field

from app.models.base import Identified, Instant, words

_TO_BE_SENT = text("given_up_at IS NULL")


class MailKind(StrEnum):
    """What a mail is about."""

    SIGN_IN = "sign_in"
    SIGNUP = "signup"
    INVITATION = "invitation"
    PROPOSAL_NEWS = "proposal_news"
    PROPOSAL_DIGEST = "proposal_digest"  # what becomes of the former where there is much to tell


class QueuedMail(Identified, table=True):
    """A mail to be written and sent, as an intent: its text and its link's secret are made when it is sent.

    So no secret waits in the database, and to ask for a link costs the same whether or not the email is known.
    `given_up_at`: it will not be tried again. `user_id` is set of news alone, of which each user has one mail.
    """

    __tablename__ = "queued_mail"
    __table_args__ = (
        Index("ix_queued_mail_user_id_due_at", "user_id", "due_at"),
        Index("uq_queued_mail_news", "user_id", unique=True, sqlite_where=_TO_BE_SENT, postgresql_where=_TO_BE_SENT),
    )

    kind: MailKind = Field(sa_type=words(MailKind))
    email: str
    email_key: str = Field(index=True)
    user_id: str | None = Field(default=None, foreign_key="user.id", ondelete="CASCADE")
    invitation_id: str | None = Field(default=None, foreign_key="invitation.id", ondelete="CASCADE")
    browser_hash: str | None = None
    signup: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    next_path: str | None = None
    attempts: int = 0
    due_at: datetime = Field(sa_type=Instant, index=True)
    last_error: str | None = Field(default=None, sa_type=Text)
    given_up_at: datetime | None = Field(default=None, sa_type=Instant)
