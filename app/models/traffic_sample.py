"""Samples of contexts that were really evaluated."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Text
from sqlmodel import Field

from app.models.base import Instant, Table


class TrafficSample(Table, table=True):
    """What an environment samples of its traffic: `fields` are the paths that are kept, as JSON text. It samples
    nothing if there is no row, or the size is 0."""

    __tablename__ = "traffic_sample"

    environment_id: str = Field(foreign_key="environment.id", primary_key=True, ondelete="CASCADE")
    size: int
    fields: str = Field(sa_type=Text)
    updated_at: datetime = Field(sa_type=Instant)
    updated_by: dict[str, Any] = Field(sa_type=JSON)


class SampledContext(Table, table=True):
    """What was kept of a context, as JSON text, and the number that it drew. Once it has expired only the number is
    left, for another while."""

    __tablename__ = "sampled_context"

    environment_id: str = Field(foreign_key="environment.id", primary_key=True, ondelete="CASCADE")
    draw: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=Instant, index=True)
    context: str | None = Field(sa_type=Text)
