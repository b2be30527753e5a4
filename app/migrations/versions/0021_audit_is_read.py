"""the audit is listed, newest first, by what it is narrowed by

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_LISTED = (
    ("at",),
    ("actor_id", "at"),
    ("action", "at"),
    ("resource_type", "resource_key", "at"),
    ("resource_key", "at"),
)


def upgrade() -> None:
    op.drop_index("ix_audit_event_org_id_actor_id_id", table_name="audit_event")
    for columns in _LISTED:
        op.create_index(f"ix_audit_event_{'_'.join(columns)}", "audit_event", ["org_id", *columns, "id"])
    for column in ("project_id", "resource_id"):
        op.create_index(f"ix_audit_event_{column}_at", "audit_event", [column, "at", "id"])
    op.create_index("ix_audit_version_environment", "audit_version", ["environment_id", "created_at", "event_id"])
