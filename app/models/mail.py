"""The queue of mail."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Text
from sqlmodel import Field

from app.models.base import Identified, Instant, words


class MailKind(StrEnum):
    """What a mail is about."""

    SIGN_IN = "sign_in"
    SIGNUP = "signup"
    INVITATION = "invitation"


class QueuedMail(Identified, table=True):
    """A mail to be written and sent, as an intent: its text and its link's secret are made when it is sent.

    So no secret waits in the database, and to ask for a link costs the same whether or not the email is known.
    `given_up_at`: it will not be tried again.
    """

    __tablename__ = "queued_mail"

    kind: MailKind = Field(sa_type=words(MailKind))
    email: str
    email_key: str = Field(index=True)
    invitation_id: str | None = Field(default=None, foreign_key="invitation.id", ondelete="CASCADE")
    browser_hash: str | None = None
    signup: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    next_path: str | None = None
    attempts: int = 0
    due_at: datetime = Field(sa_type=Instant, index=True)
    last_error: str | None = Field(default=None, sa_type=Text)
    given_up_at: datetime | None = Field(default=None, sa_type=Instant)
