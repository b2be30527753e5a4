"""states through time

Revision ID: 0020
Revises: 0017
"""

from alembic import op

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_state_of_primitive", "state", ["environment_id", "primitive_id", "from_version"])
    op.create_index("ix_environment_version_at", "environment_version", ["environment_id", "at", "version"])
