"""indexes of what grows

Lists of the whole audit are in the order of time, proposals of a status in that of their making; what few rows are
looked for among all has an index of these alone.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_FOUNDED, _PENDING = sa.text("action = 'create_org'"), sa.text("status = 'pending'")
_OF_STATUS = {
    "ix_proposal_org_id_status": ["org_id", "status"],
    "ix_proposal_project_id_status": ["project_id", "status"],
}


def upgrade() -> None:
    op.drop_index("ix_audit_event_org_id_id", "audit_event")
    op.create_index("ix_audit_event_at_id", "audit_event", ["at", "id"])
    op.create_index(
        "ix_audit_event_founded",
        "audit_event",
        ["actor_id", "org_id"],
        sqlite_where=_FOUNDED,
        postgresql_where=_FOUNDED,
    )
    for name, columns in _OF_STATUS.items():
        op.drop_index(name, "proposal")
        op.create_index(name, "proposal", [*columns, "id"])
    op.drop_index("ix_proposal_status_expires_at", "proposal")
    op.create_index(
        "ix_proposal_expires_at", "proposal", ["expires_at"], sqlite_where=_PENDING, postgresql_where=_PENDING
    )
    op.create_index("ix_proposal_primitive_id", "proposal", ["primitive_id"])


def downgrade() -> None:
    op.drop_index("ix_proposal_primitive_id", "proposal")
    op.drop_index("ix_proposal_expires_at", "proposal")
    op.create_index("ix_proposal_status_expires_at", "proposal", ["status", "expires_at"])
    for name, columns in _OF_STATUS.items():
        op.drop_index(name, "proposal")
        op.create_index(name, "proposal", columns)
    op.drop_index("ix_audit_event_founded", "audit_event")
    op.drop_index("ix_audit_event_at_id", "audit_event")
    op.create_index("ix_audit_event_org_id_id", "audit_event", ["org_id", "id"])
