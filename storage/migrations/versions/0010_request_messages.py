"""The message in Slack that follows a request."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "request_messages",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("asker", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=True),
        sa.Column("ts", sa.String(), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("posting", sa.Boolean(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("telling_line", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.String(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("request_id"),
    )
    with op.batch_alter_table("request_messages", schema=None) as batch_op:
        batch_op.create_index("ix_request_messages_asker", ["asker", "request_id"], unique=False)
        batch_op.create_index(
            "ix_request_messages_untold",
            ["not_before"],
            unique=False,
            sqlite_where=sa.text("wanted > told"),
            postgresql_where=sa.text("wanted > told"),
        )


def downgrade() -> None:
    with op.batch_alter_table("request_messages", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_request_messages_untold",
            sqlite_where=sa.text("wanted > told"),
            postgresql_where=sa.text("wanted > told"),
        )
        batch_op.drop_index("ix_request_messages_asker")
    op.drop_table("request_messages")
