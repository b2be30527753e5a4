"""audit outlives organisations

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deleted_org",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deleted_org")),
    )
    with op.batch_alter_table("deleted_org", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deleted_org_slug"), ["slug"], unique=False)

    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("address", sa.String(), nullable=True))
        batch_op.alter_column("org_id", existing_type=sa.String(), nullable=True)
        batch_op.drop_constraint(batch_op.f("fk_audit_event_org_id_org"), type_="foreignkey")
