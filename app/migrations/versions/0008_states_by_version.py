"""states by version

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_state_from_version", "state", ["environment_id", "from_version"])
    op.create_index(
        "ix_state_to_version",
        "state",
        ["environment_id", "to_version"],
        sqlite_where=sa.text("to_version IS NOT NULL"),
        postgresql_where=sa.text("to_version IS NOT NULL"),
    )
