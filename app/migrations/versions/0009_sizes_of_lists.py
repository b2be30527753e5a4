"""sizes of allow and deny lists

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # There are no segments yet, so there is nothing to count.
    with op.batch_alter_table("state", schema=None) as batch_op:
        batch_op.add_column(sa.Column("allow_list_size", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("deny_list_size", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("entry_bytes", sa.BigInteger(), nullable=False, server_default="0"))
