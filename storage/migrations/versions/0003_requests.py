"""Requests for integrations, their rounds and their log; versions that wait for an admin."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "request_logs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("fields", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("request_logs", schema=None) as batch_op:
        batch_op.create_index("ix_request_logs_request", ["request_id", "id"], unique=False)

    op.create_table(
        "request_rounds",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("files", sa.String(), nullable=True),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("report", sa.String(), nullable=True),
        sa.Column("tokens", sa.String(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "version", "round"),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("fields", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("run_at", sa.Float(), nullable=True),
        sa.Column("lease_token", sa.String(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error_details", sa.String(), nullable=True),
        sa.Column("repository", sa.String(), nullable=True),
        sa.Column("issue", sa.Integer(), nullable=True),
        sa.Column("body_hash", sa.String(), nullable=True),
        sa.Column("approved_hash", sa.String(), nullable=True),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("tell_at", sa.Float(), nullable=True),
        sa.Column("comment_id", sa.BigInteger(), nullable=True),
        sa.Column("branch", sa.String(), nullable=True),
        sa.Column("pull", sa.Integer(), nullable=True),
        sa.Column("pull_url", sa.String(), nullable=True),
        sa.Column("pull_state", sa.String(), nullable=True),
        sa.Column("merge_commit", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wishes", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.create_index(
            "ix_requests_due",
            ["updated_at"],
            unique=False,
            sqlite_where=sa.text("(run_at IS NOT NULL OR tell_at IS NOT NULL)"),
            postgresql_where=sa.text("(run_at IS NOT NULL OR tell_at IS NOT NULL)"),
        )
        batch_op.create_index(
            "ix_requests_issue",
            ["repository", "issue"],
            unique=True,
            sqlite_where=sa.text("issue IS NOT NULL"),
            postgresql_where=sa.text("issue IS NOT NULL"),
        )
        batch_op.create_index("ix_requests_pull", ["repository", "pull"], unique=False)

    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pending", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.drop_column("pending")

    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.drop_index("ix_requests_pull")
        batch_op.drop_index(
            "ix_requests_issue",
            sqlite_where=sa.text("issue IS NOT NULL"),
            postgresql_where=sa.text("issue IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_requests_due",
            sqlite_where=sa.text("(run_at IS NOT NULL OR tell_at IS NOT NULL)"),
            postgresql_where=sa.text("(run_at IS NOT NULL OR tell_at IS NOT NULL)"),
        )

    op.drop_table("requests")
    op.drop_table("request_rounds")
    with op.batch_alter_table("request_logs", schema=None) as batch_op:
        batch_op.drop_index("ix_request_logs_request")

    op.drop_table("request_logs")
