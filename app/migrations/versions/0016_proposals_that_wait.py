"""proposals that wait

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_proposal_org_id_status", "proposal", ["org_id", "status"])
    op.create_index("ix_proposal_project_id_status", "proposal", ["project_id", "status"])
