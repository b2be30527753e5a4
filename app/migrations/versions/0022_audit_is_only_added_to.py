"""the audit is only added to

A change or a delete of its rows is refused unless its own transaction has put a row into `audit_opening`, which it
takes out again before it ends, so that no other ever sees one.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TABLES = ("audit_event", "audit_version")
_MESSAGE = "the audit is only added to"


def upgrade() -> None:
    op.create_table(
        "audit_opening",
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_opening")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608
            f"IF NOT EXISTS (SELECT 1 FROM audit_opening) THEN RAISE EXCEPTION '{_MESSAGE}'; END IF; "
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
        )
        for table in _TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_is_kept BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
            )
        return
    for table in _TABLES:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_is_kept_from_{change.lower()} BEFORE {change} ON {table} "  # noqa: S608
                "WHEN NOT EXISTS (SELECT 1 FROM audit_opening) "
                f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
            )
