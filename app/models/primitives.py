"""Primitives: the identity of flags, configs and segments in a project, and their state in each environment."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text, text
from sqlmodel import Field

from app.domain.ids import new_id
from app.engine.kinds import Kind
from app.models.base import Instant, Revised, Table, words


class Primitive(Revised, table=True):
    """An identity. `space` is the key space it is unique in: flags and configs share one, segments have another.

    A deleted one stays for the history's sake; the same key made again is another primitive.
    """

    __table_args__ = (
        Index(
            "uq_primitive_live_key",
            "project_id",
            "space",
            "key",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    project_id: str = Field(foreign_key="project.id", index=True, ondelete="CASCADE")
    kind: Kind = Field(sa_type=words(Kind))
    space: str
    key: str
    value_type: str
    description: str = ""
    initial_value: str = Field(sa_type=Text)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class State(Table, table=True):
    """A primitive's state in an environment, valid from one version to another (`to_version` None: still).

    `id` is the same in all of a state's rows. Values and rules are canonical JSON text.
    """

    __table_args__ = (
        Index(
            "uq_state_current",
            "environment_id",
            "primitive_id",
            unique=True,
            sqlite_where=text("to_version IS NULL"),
            postgresql_where=text("to_version IS NULL"),
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    from_version: int = Field(primary_key=True)
    to_version: int | None = None
    environment_id: str = Field(foreign_key="environment.id", index=True, ondelete="CASCADE")
    primitive_id: str = Field(foreign_key="primitive.id", index=True, ondelete="CASCADE")
    default_value: str = Field(sa_type=Text)
    rules: str = Field(default="[]", sa_type=Text)
    killed: bool = False
    updated_at: datetime = Field(sa_type=Instant)
    updated_by: dict[str, Any] = Field(sa_type=JSON)
