"""usage

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    at = sa.DateTime(timezone=True)
    op.create_table(
        "evaluation_count",
        sa.Column("environment_id", sa.String(), nullable=False),
        sa.Column("primitive_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("starts_at", at, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("value_id", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", at, nullable=False),
        *_below("evaluation_count"),
        sa.PrimaryKeyConstraint(
            "environment_id", "primitive_id", "period", "starts_at", "outcome", name=op.f("pk_evaluation_count")
        ),
    )
    op.create_index("ix_evaluation_count_primitive_id", "evaluation_count", ["primitive_id"])
    op.create_index("ix_evaluation_count_starts_at", "evaluation_count", ["period", "starts_at"])
    op.create_table(
        "key_usage",
        sa.Column("environment_id", sa.String(), nullable=False),
        sa.Column("primitive_id", sa.String(), nullable=False),
        sa.Column("first_at", at, nullable=False),
        sa.Column("last_at", at, nullable=False),
        sa.Column("value_id", sa.String(), nullable=True),
        sa.Column("value_since", at, nullable=True),
        *_below("key_usage"),
        sa.PrimaryKeyConstraint("environment_id", "primitive_id", name=op.f("pk_key_usage")),
    )
    op.create_index("ix_key_usage_primitive_id", "key_usage", ["primitive_id"])
    op.create_table(
        "token_usage",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("first_evaluated_at", at, nullable=True),
        sa.Column("refused_at", at, nullable=True),
        sa.Column("refusal_code", sa.String(), nullable=True),
        sa.Column("refused_request_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_key.id"], name=op.f("fk_token_usage_token_id_api_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_token_usage")),
    )


def _below(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [f"{parent}_id"], [f"{parent}.id"], name=op.f(f"fk_{table}_{parent}_id_{parent}"), ondelete="CASCADE"
        )
        for parent in ("environment", "primitive")
    ]
