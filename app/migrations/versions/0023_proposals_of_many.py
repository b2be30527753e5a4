"""proposals of many

A promotion changes more than one primitive: which ones a proposal changes is a table of its own.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_OF_ALL = (
    "INSERT INTO proposal_target (proposal_id, primitive_id, kind, key, pending) "
    "SELECT id, primitive_id, resource_kind, resource_key, status = 'pending' FROM proposal"
)


def upgrade() -> None:
    op.create_table(
        "proposal_target",
        sa.Column("proposal_id", sa.String(), nullable=False),
        sa.Column("primitive_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_target_proposal_id_proposal"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["primitive_id"],
            ["primitive.id"],
            name=op.f("fk_proposal_target_primitive_id_primitive"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("proposal_id", "primitive_id", name=op.f("pk_proposal_target")),
    )
    columns, pending = ["primitive_id", "proposal_id"], sa.text("pending")
    op.create_index("ix_proposal_target_primitive_id", "proposal_target", columns)
    op.create_index(
        "ix_proposal_target_pending", "proposal_target", columns, sqlite_where=pending, postgresql_where=pending
    )
    op.execute(_OF_ALL)
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.drop_index("ix_proposal_primitive_id_status")
        batch_op.add_column(sa.Column("source_id", sa.String(), nullable=True))
        for name, of in (
            ("primitive_id", sa.String()),
            ("resource_kind", sa.String(32)),
            ("resource_key", sa.String()),
        ):
            batch_op.alter_column(name, existing_type=of, nullable=True)
