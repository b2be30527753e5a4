"""What all tables share: naming of constraints, column types that behave alike on both engines, id and time columns."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Enum, MetaData
from sqlalchemy.dialects.sqlite import DATETIME
from sqlmodel import Field, SQLModel

from app.domain.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


# An instant in UTC with microseconds. SQLite keeps it as text with its offset, so that it is read back aware, as
# PostgreSQL's is.
Instant = DateTime(timezone=True).with_variant(
    DATETIME(  # type: ignore[no-untyped-call]
        storage_format="%(year)04d-%(month)02d-%(day)02d %(hour)02d:%(minute)02d:%(second)02d.%(microsecond)06d+00:00"
    ),
    "sqlite",
)


def words(enum: type[StrEnum]) -> Enum:
    """A column of the enum's values as plain text, so that a new word needs no migration."""
    return Enum(enum, native_enum=False, length=32, values_callable=list)


class Table(SQLModel):
    """The base of all tables."""

    metadata = MetaData(naming_convention=NAMING)


class Identified(Table):
    """A table whose rows have an id of their own and a time of creation, which the unit of work sets."""

    id: str = Field(default_factory=new_id, primary_key=True)
    created_at: datetime = Field(default=None, nullable=False, sa_type=Instant)

    def __init__(self, **values: Any) -> None:
        # What a factory would make is made here: pydantic takes longer to look at a factory than to call it.
        super().__init__(**{"id": new_id(), **values})


class Revised(Identified):
    """A row that people change: each change raises `revision`, which is part of the ETag."""

    revision: int = 1
    updated_at: datetime = Field(default=None, nullable=False, sa_type=Instant)
