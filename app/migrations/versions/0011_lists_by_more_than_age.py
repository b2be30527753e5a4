"""lists of primitives and states by more than their age

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LIVE, _CURRENT = sa.text("deleted_at IS NULL"), sa.text("to_version IS NULL")
_ACTORS = {
    "sqlite": sa.text("UPDATE state SET updated_by_id = json_extract(updated_by, '$.id')"),
    "postgresql": sa.text("UPDATE state SET updated_by_id = updated_by ->> 'id'"),
}
_STANDINGS = sa.text(
    "UPDATE state SET standing = CASE WHEN killed THEN 'killed' WHEN rules <> '[]' THEN 'rules'"
    " WHEN (SELECT value_type FROM primitive WHERE primitive.id = state.primitive_id) <> 'boolean' THEN NULL"
    " WHEN default_value = 'true' THEN 'on' WHEN default_value = 'false' THEN 'off' END"
)


def upgrade() -> None:
    with op.batch_alter_table("state", schema=None) as batch_op:
        batch_op.add_column(sa.Column("standing", sa.String(32), nullable=True))
        batch_op.add_column(sa.Column("updated_by_id", sa.String(), nullable=False, server_default=""))
    op.execute(_ACTORS[op.get_bind().dialect.name])
    op.execute(_STANDINGS)  # no rule of a released version is disabled
    _index("primitive", "ix_primitive_created", ["project_id", "kind", "id"], _LIVE)
    _index("primitive", "ix_primitive_maintained", ["project_id", "kind", "maintainer_id", "id"], _LIVE)
    _index("primitive", "ix_primitive_type", ["project_id", "kind", "value_type", "id"], _LIVE)
    _index("primitive", "ix_primitive_updated", ["project_id", "kind", "updated_at", "id"], _LIVE)
    op.create_index(
        "ix_primitive_key",
        "primitive",
        ["project_id", "kind", "key", "id"],
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
        postgresql_ops={"key": 'COLLATE "C"'},
    )
    _index("state", "ix_state_standing", ["environment_id", "standing", "primitive_id"], _CURRENT)
    _index("state", "ix_state_updated", ["environment_id", "updated_at", "primitive_id"], _CURRENT)
    _index("state", "ix_state_updated_by", ["environment_id", "updated_by_id", "primitive_id"], _CURRENT)


def _index(table: str, name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
