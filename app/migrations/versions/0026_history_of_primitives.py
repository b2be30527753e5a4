"""the history of primitives is looked up by version

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    over = sa.text("to_version IS NOT NULL")
    of_primitive = ["environment_id", "primitive_id"]
    op.create_index("ix_primitive_space_key", "primitive", ["project_id", "space", "key"])
    op.create_index("ix_state_entry_from_version", "state_entry", [*of_primitive, "from_version", "list", "entry"])
    op.create_index(
        "ix_state_entry_to_version",
        "state_entry",
        [*of_primitive, "to_version", "list", "entry"],
        sqlite_where=over,
        postgresql_where=over,
    )
    op.create_index("ix_state_reference_to_version", "state_reference", [*of_primitive, "to_version"])
    op.create_index("ix_audit_version_version", "audit_version", ["environment_id", "version"])
