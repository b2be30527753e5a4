"""Primitives: the identity of flags, configs and segments in a project, and their state in each environment."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Text, text
from sqlmodel import Field, Relationship

from app.domain.ids import new_id
from app.domain.lists import Standing
from app.engine.kinds import Kind
from app.models.base import Instant, Revised, Table, words
from app.models.people import User

_LIVE = text("deleted_at IS NULL")


def _of_live(name: str, *columns: str, **options: Any) -> Index:
    """For lists of a project's live primitives of one kind."""
    return Index(name, "project_id", "kind", *columns, sqlite_where=_LIVE, postgresql_where=_LIVE, **options)


class Primitive(Revised, table=True):
    """An identity. `space` is the key space it is unique in: flags and configs share one, segments have another.

    A deleted one stays for the history's sake; the same key made again is another primitive. The maintainer is a member
    of the organisation. `tags` are sorted, and `folded` is what is searched for texts (`domain.search`).
    """

    __table_args__ = (
        Index(
            "uq_primitive_live_key",
            "project_id",
            "space",
            "key",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        # What a reference names or named, deleted ones included.
        Index("ix_primitive_space_key", "project_id", "space", "key"),
        _of_live("ix_primitive_created", "id"),
        _of_live("ix_primitive_maintained", "maintainer_id", "id"),
        _of_live("ix_primitive_type", "value_type", "id"),
        _of_live("ix_primitive_updated", "updated_at", "id"),
        # On PostgreSQL in the order of code points, which may not be the database's.
        _of_live("ix_primitive_key", "key", "id", postgresql_ops={"key": 'COLLATE "C"'}),
    )

    project_id: str = Field(foreign_key="project.id", index=True, ondelete="CASCADE")
    kind: Kind = Field(sa_type=words(Kind))
    space: str
    key: str
    value_type: str | None = None
    name: str = ""
    description: str = ""
    tags: list[str] = Field(default=[], sa_type=JSON)
    maintainer_id: str | None = Field(default=None, foreign_key="user.id", index=True, ondelete="SET NULL")
    maintainer: User | None = Relationship(sa_relationship_kwargs={"lazy": "joined"})
    permanent: bool = False
    folded: str = Field(default="", sa_type=Text)
    initial_value: str | None = Field(default=None, sa_type=Text)
    json_schema: str | None = Field(default=None, sa_type=Text)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class PrimitiveTag(Table, table=True):
    """A tag of a live primitive, to find it by."""

    __tablename__ = "primitive_tag"

    project_id: str = Field(foreign_key="project.id", primary_key=True, ondelete="CASCADE")
    tag: str = Field(primary_key=True)
    primitive_id: str = Field(foreign_key="primitive.id", primary_key=True, index=True, ondelete="CASCADE")


def _current(name: str, *columns: str, unique: bool = False) -> Index:
    """For what is valid still."""
    still = text("to_version IS NULL")
    return Index(name, *columns, unique=unique, sqlite_where=still, postgresql_where=still)


def _ended(name: str, *columns: str) -> Index:
    """For what is over."""
    over = text("to_version IS NOT NULL")
    return Index(name, *columns, sqlite_where=over, postgresql_where=over)


def _one_current(name: str, *columns: str) -> Index:
    """Only one of the versions of one thing may have no end."""
    return _current(name, *columns, unique=True)


class State(Table, table=True):
    """A primitive's state in an environment, valid from one version to another (`to_version` None: still).

    `id` is the same in all of a state's rows. There is a column for each dimension that is a value; `None` where the
    kind has no such dimension. Values and rules are canonical JSON text. Of lists, whose entries are rows of their own,
    it has the number of entries, and of all of them together the bytes.
    What it comes to, `standing`, and who changed
    it, are there again to find it by; `standing_of` in `domain.lists` says how.
    """

    __table_args__ = (
        _one_current("uq_state_current", "environment_id", "primitive_id"),
        # For lists of an environment's present states.
        _current("ix_state_standing", "environment_id", "standing", "primitive_id"),
        _current("ix_state_updated", "environment_id", "updated_at", "primitive_id"),
        _current("ix_state_updated_by", "environment_id", "updated_by_id", "primitive_id"),
        # What a primitive was at a version.
        Index("ix_state_of_primitive", "environment_id", "primitive_id", "from_version"),
        # What was written since a version.
        Index("ix_state_from_version", "environment_id", "from_version"),
        _ended("ix_state_to_version", "environment_id", "to_version"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    from_version: int = Field(primary_key=True)
    to_version: int | None = None
    environment_id: str = Field(foreign_key="environment.id", index=True, ondelete="CASCADE")
    primitive_id: str = Field(foreign_key="primitive.id", index=True, ondelete="CASCADE")
    default_value: str | None = Field(default=None, sa_type=Text)
    rules: str = Field(default="[]", sa_type=Text)
    killed: bool = False
    allow_list_size: int = 0
    deny_list_size: int = 0
    entry_bytes: int = Field(default=0, sa_type=BigInteger)
    standing: Standing | None = Field(default=None, sa_type=words(Standing))
    updated_at: datetime = Field(sa_type=Instant)
    updated_by: dict[str, Any] = Field(sa_type=JSON)
    updated_by_id: str = ""


class StateEntry(Table, table=True):
    """An entry of a state's allow or deny list (`list`, the dimension's name), valid by version as states are.

    So a change of one entry of many is one row, and not a copy of all.
    """

    __tablename__ = "state_entry"
    __table_args__ = (
        _one_current("uq_state_entry_current", "environment_id", "primitive_id", "list", "entry"),
        # What lists got and lost at a version.
        Index("ix_state_entry_from_version", "environment_id", "primitive_id", "from_version", "list", "entry"),
        _ended("ix_state_entry_to_version", "environment_id", "primitive_id", "to_version", "list", "entry"),
    )

    environment_id: str = Field(foreign_key="environment.id", primary_key=True, ondelete="CASCADE")
    primitive_id: str = Field(foreign_key="primitive.id", primary_key=True, index=True, ondelete="CASCADE")
    list: str = Field(primary_key=True)
    entry: str = Field(primary_key=True)
    from_version: int = Field(primary_key=True)
    to_version: int | None = None


class StateReference(Table, table=True):
    """A reference of a state's rules to a key of the environment, at `path`; valid by version as states are.

    `target_kind` is "segment", or "primitive" for what flags and configs share. So what refers to a key is a query.
    """

    __tablename__ = "state_reference"
    __table_args__ = (
        _one_current("uq_state_reference_current", "environment_id", "primitive_id", "path"),
        Index("ix_state_reference_target", "environment_id", "target_kind", "target_key"),
        # What a primitive rested on from a version on.
        Index("ix_state_reference_to_version", "environment_id", "primitive_id", "to_version"),
    )

    environment_id: str = Field(foreign_key="environment.id", primary_key=True, ondelete="CASCADE")
    primitive_id: str = Field(foreign_key="primitive.id", primary_key=True, index=True, ondelete="CASCADE")
    path: str = Field(primary_key=True)
    from_version: int = Field(primary_key=True)
    to_version: int | None = None
    target_kind: str
    target_key: str
