"""news of proposals

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NOT_SPREAD, _TO_BE_SENT = sa.text("NOT spread"), sa.text("given_up_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "proposal_news",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposal_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("review_id", sa.String(), nullable=False),
        sa.Column("reached", sa.String(), nullable=False),
        sa.Column("spread", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_news_proposal_id_proposal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_news")),
        sa.UniqueConstraint(
            "proposal_id", "event", "review_id", name=op.f("uq_proposal_news_proposal_id_event_review_id")
        ),
    )
    op.create_index(
        "ix_proposal_news_not_spread", "proposal_news", ["id"], sqlite_where=_NOT_SPREAD, postgresql_where=_NOT_SPREAD
    )
    op.create_table(
        "news_recipient",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("news_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["news_id"], ["proposal_news.id"], name=op.f("fk_news_recipient_news_id_proposal_news"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_news_recipient_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "news_id", name=op.f("pk_news_recipient")),
    )
    with op.batch_alter_table("news_recipient", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_news_recipient_news_id"), ["news_id"], unique=False)
    with op.batch_alter_table("queued_mail", schema=None) as batch_op:
        batch_op.add_column(sa.Column("user_id", sa.String(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_queued_mail_user_id_user"), "user", ["user_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index("ix_queued_mail_user_id_due_at", ["user_id", "due_at"], unique=False)
    op.create_index(
        "uq_queued_mail_news",
        "queued_mail",
        ["user_id"],
        unique=True,
        sqlite_where=_TO_BE_SENT,
        postgresql_where=_TO_BE_SENT,
    )
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("news_mailed_at", sa.DateTime(timezone=True), nullable=True))
