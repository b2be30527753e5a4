"""Projects: they hold the identity of primitives."""

from sqlmodel import Field, UniqueConstraint

from app.models.base import Revised


class Project(Revised, table=True):
    """`key` is unique in the organisation and never changes."""

    __table_args__ = (UniqueConstraint("org_id", "key"),)

    org_id: str = Field(foreign_key="org.id", ondelete="CASCADE")
    key: str
    name: str
    target_id_field: str | None = None
