"""Alembic's entry: runs on the connection that `store.migrations` hands over, on either engine."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import DateTime, Enum
from sqlmodel import AutoString

from app.models import Table


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Migrations name no type of ours or of SQLModel's, so that an old one never changes with the code."""
    if kind != "type":
        return False
    if isinstance(item, DateTime):
        return "sa.DateTime(timezone=True)"
    return "sa.String()" if isinstance(item, AutoString | Enum) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
