"""How often flags and configs are evaluated, in each environment; and what tokens do."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field

from app.models.base import Instant, Table, words


class Period(StrEnum):
    """What evaluations are counted by."""

    HOUR = "hour"
    DAY = "day"


class EvaluationCount(Table, table=True):
    """How often a flag or config had one outcome in the hour or day that begins at `starts_at`, in UTC.

    `outcome` and `value_id` are digests of the outcome and of its value. Reason and value are JSON text, the value only
    if it is short.
    """

    __tablename__ = "evaluation_count"
    __table_args__ = (Index("ix_evaluation_count_starts_at", "period", "starts_at"),)

    environment_id: str = Field(foreign_key="environment.id", primary_key=True, ondelete="CASCADE")
    primitive_id: str = Field(foreign_key="primitive.id", primary_key=True, index=True, ondelete="CASCADE")
    period: Period = Field(sa_type=words(Period), primary_key=True)
    starts_at: datetime = Field(sa_type=Instant, primary_key=True)
    outcome: str = Field(primary_key=True)
    value_id: str
    reason: str = Field(sa_type=Text)
    value: str | None = Field(default=None, sa_type=Text)
    count: int = Field(sa_type=BigInteger)
    last_at: datetime = Field(sa_type=Instant)


class KeyUsage(Table, table=True):
    """When a flag or config was evaluated in an environment at all, first and last.

    Since `value_since` every evaluation has had the value whose digest is `value_id`; both are None while there are
    several. There is no row for what was never evaluated.
    """

    __tablename__ = "key_usage"

    environment_id: str = Field(foreign_key="environment.id", primary_key=True, ondelete="CASCADE")
    primitive_id: str = Field(foreign_key="primitive.id", primary_key=True, index=True, ondelete="CASCADE")
    first_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)
    value_id: str | None = None
    value_since: datetime | None = Field(default=None, sa_type=Instant)


class TokenUsage(Table, table=True):
    """When a token first evaluated, and what it was last refused. There is no row for one that has done neither."""

    __tablename__ = "token_usage"

    token_id: str = Field(foreign_key="api_key.id", primary_key=True, ondelete="CASCADE")
    first_evaluated_at: datetime | None = Field(default=None, sa_type=Instant)
    refused_at: datetime | None = Field(default=None, sa_type=Instant)
    refusal_code: str | None = None
    refused_request_id: str | None = None
