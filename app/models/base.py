"""What all tables share: naming of constraints, column types that behave alike on both engines, id and time columns."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, MetaData, TypeDecorator
from sqlmodel import Field, SQLModel

from app.domain.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """An instant in UTC with microseconds; SQLite gives back naive datetimes, callers never see one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To the database, in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def words(enum: type[StrEnum]) -> Enum:
    """A column of the enum's values as plain text, so that a new word needs no migration."""
    return Enum(enum, native_enum=False, length=32, values_callable=list)


def now() -> datetime:
    return datetime.now(UTC)


class Table(SQLModel):
    """The base of all tables."""

    metadata = MetaData(naming_convention=NAMING)


class Identified(Table):
    """A table whose rows have an id of their own and a time of creation."""

    id: str = Field(default_factory=new_id, primary_key=True)
    created_at: datetime = Field(default_factory=now, sa_type=Instant)

    def __init__(self, **values: Any) -> None:
        """What a factory would make is made here: pydantic takes longer to look at a factory than to call it."""
        super().__init__(**{"id": new_id(), "created_at": now(), **values})


class Revised(Identified):
    """A row that people change: each change raises `revision`, which the ETag tells."""

    revision: int = 1
    updated_at: datetime = Field(default_factory=now, sa_type=Instant)

    def __init__(self, **values: Any) -> None:
        """A new row was last changed when it was made."""
        at = now()
        super().__init__(**{"created_at": at, "updated_at": at, **values})
