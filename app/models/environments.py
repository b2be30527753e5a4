"""Environments and their versions: they hold the state of primitives."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Text
from sqlmodel import Field, UniqueConstraint

from app.models.base import Instant, Revised, Table, words


class Color(StrEnum):
    """What an environment is marked with for people."""

    GRAY = "gray"
    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    TEAL = "teal"
    BLUE = "blue"
    PURPLE = "purple"


class Environment(Revised, table=True):
    """`version` is 0 until the first write of a state; only `Changeset.raise_version` raises it.

    `target_id_field` is the effective one: the project's, else the organisation's, else the default. `state_bytes` is
    the size of all present states, kept up to date with each change. A project's environments are in the order of
    their `position`, and of their creation where it is the same.
    """

    __table_args__ = (UniqueConstraint("project_id", "key"),)

    project_id: str = Field(foreign_key="project.id", ondelete="CASCADE")
    key: str
    name: str
    color: Color = Field(default=Color.GRAY, sa_type=words(Color))
    position: int = 0
    protected: bool = False
    required_approvals: int = 1
    target_id_field: str
    version: int = 0
    version_at: datetime = Field(sa_type=Instant)
    state_bytes: int = Field(default=0, sa_type=BigInteger)


class EnvironmentVersion(Table, table=True):
    """When an environment reached a version, and where it took ids from: what `asOf` and history look up."""

    __tablename__ = "environment_version"
    __table_args__ = (Index("ix_environment_version_at", "environment_id", "at", "version"),)

    environment_id: str = Field(foreign_key="environment.id", primary_key=True, ondelete="CASCADE")
    version: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    target_id_field: str


class SpotChecks(Table, table=True):
    """The contexts that changes proposed for an environment are tried on, as JSON text. None have been set, if there is
    no row."""

    __tablename__ = "spot_checks"

    environment_id: str = Field(foreign_key="environment.id", primary_key=True, ondelete="CASCADE")
    contexts: str = Field(sa_type=Text)
    updated_at: datetime = Field(sa_type=Instant)
    updated_by: dict[str, Any] = Field(sa_type=JSON)
