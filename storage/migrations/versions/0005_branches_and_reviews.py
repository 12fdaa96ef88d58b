"""The branch that a request has to itself; the reviews that were heard."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("holds", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("heard", sa.String(), nullable=False, server_default="[]"))
    # Two that share a branch share a pull request too: the older one has it.
    op.execute(
        "UPDATE requests SET holds = repository || ':' || branch WHERE id IN (SELECT MIN(id) FROM requests"
        " WHERE pull_state = 'open' AND branch IS NOT NULL AND repository IS NOT NULL GROUP BY repository, branch)"
    )
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.create_index(
            "ix_requests_holds",
            ["holds"],
            unique=True,
            sqlite_where=sa.text("holds IS NOT NULL"),
            postgresql_where=sa.text("holds IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_requests_holds",
            sqlite_where=sa.text("holds IS NOT NULL"),
            postgresql_where=sa.text("holds IS NOT NULL"),
        )
        batch_op.drop_column("heard")
        batch_op.drop_column("holds")
