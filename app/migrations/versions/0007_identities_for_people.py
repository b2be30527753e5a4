"""identities for people: names, tags, maintainers; colours and order of environments

Revision ID: 0007
Revises: 0006
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_PIECE = 1000


def upgrade() -> None:
    with op.batch_alter_table("primitive", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("maintainer_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("permanent", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("folded", sa.Text(), nullable=False, server_default=""))
        batch_op.create_foreign_key(
            batch_op.f("fk_primitive_maintainer_id_user"), "user", ["maintainer_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_index(batch_op.f("ix_primitive_maintainer_id"), ["maintainer_id"], unique=False)
    op.create_table(
        "primitive_tag",
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("primitive_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["primitive_id"], ["primitive.id"], name=op.f("fk_primitive_tag_primitive_id_primitive"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_primitive_tag_project_id_project"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "tag", "primitive_id", name=op.f("pk_primitive_tag")),
    )
    op.create_index(op.f("ix_primitive_tag_primitive_id"), "primitive_tag", ["primitive_id"])
    op.add_column("environment", sa.Column("color", sa.String(32), nullable=False, server_default="gray"))
    op.add_column("environment", sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
    _fold()


def _fold() -> None:
    """What the databases cannot do alike is done here."""
    connection, after = op.get_bind(), ""
    rows = sa.text("SELECT id, key, description FROM primitive WHERE id > :after ORDER BY id LIMIT :piece")
    update = sa.text("UPDATE primitive SET folded = :folded WHERE id = :id")
    while found := connection.execute(rows, {"after": after, "piece": _PIECE}).all():
        folded = [{"id": row.id, "folded": f"{_folded(row.key)}\x1f\x1f{_folded(row.description)}"} for row in found]
        connection.execute(update, folded)
        after = found[-1][0]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
