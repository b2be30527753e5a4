"""the audit is listed by type

Few events of one type were looked for among all, where a list had no key.

Revision ID: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_event_resource_type_at", "audit_event", ["org_id", "resource_type", "at", "id"])
