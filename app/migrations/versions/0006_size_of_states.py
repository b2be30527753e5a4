"""size of states

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SUMS = {
    "sqlite": sa.text(
        "UPDATE environment SET state_bytes = coalesce((SELECT sum("
        "length(CAST(rules AS BLOB)) + coalesce(length(CAST(default_value AS BLOB)), 0)"
        ") FROM state WHERE state.environment_id = environment.id AND state.to_version IS NULL), 0)"
    ),
    "postgresql": sa.text(
        "UPDATE environment SET state_bytes = coalesce((SELECT sum("
        "octet_length(rules) + coalesce(octet_length(default_value), 0)"
        ") FROM state WHERE state.environment_id = environment.id AND state.to_version IS NULL), 0)"
    ),
}


def upgrade() -> None:
    with op.batch_alter_table("environment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state_bytes", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(_SUMS[op.get_bind().dialect.name])
    with op.batch_alter_table("environment", schema=None) as batch_op:
        batch_op.alter_column("state_bytes", server_default=None)
