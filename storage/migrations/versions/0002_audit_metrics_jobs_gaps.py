"""The audit, metrics by minute, jobs, gaps, alert rules, idempotency keys, monitoring settings."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("integration_id", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("changes", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_integration", ["integration_id", "id"], unique=False)

    op.create_table(
        "alert_rules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("integration_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("channels", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("integration_id", "name"),
    )
    with op.batch_alter_table("alert_rules", schema=None) as batch_op:
        batch_op.create_index("ix_alert_rules_integration", ["integration_id", "place"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("response", sa.String(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_keys_expires", ["expires_at"], unique=False)

    op.create_table(
        "gaps",
        sa.Column("integration_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at_from", sa.Float(), nullable=False),
        sa.Column("at_to", sa.Float(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("detected_at", sa.Float(), nullable=False),
        sa.Column("asked_at", sa.Float(), nullable=True),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.Float(), nullable=True),
        sa.Column("closed_why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("integration_id", "key"),
    )
    with op.batch_alter_table("gaps", schema=None) as batch_op:
        batch_op.create_index(
            "ix_gaps_open",
            ["integration_id"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "gap_checks",
        sa.Column("integration_id", sa.String(), nullable=False),
        sa.Column("running_until", sa.Float(), nullable=True),
        sa.Column("checked_at", sa.Float(), nullable=True),
        sa.Column("complete", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("wait_until", sa.Float(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("findings", sa.String(), server_default="[]", nullable=False),
        sa.Column("sequence_mark", sa.BigInteger(), nullable=True),
        sa.Column("sequence_since", sa.String(), server_default="", nullable=False),
        sa.Column("event_mark", sa.String(), server_default="", nullable=False),
        sa.Column("rhythm", sa.String(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("integration_id"),
    )
    op.create_table(
        "github_hooks",
        sa.Column("integration_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("hook_id", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.Float(), nullable=False),
        sa.Column("checked_at", sa.Float(), nullable=True),
        sa.Column("newest_delivery", sa.BigInteger(), nullable=True),
        sa.Column("cursor", sa.String(), nullable=True),
        sa.Column("floor_delivery", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("integration_id", "owner", "hook_id"),
    )
    op.create_table(
        "job_items",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "item"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("integration_id", sa.String(), nullable=True),
        sa.Column("params", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("started", sa.Integer(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("run_at", sa.Float(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_integration", ["integration_id", "id"], unique=False)
        batch_op.create_index(
            "ix_jobs_open",
            ["run_at"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )

    op.create_table(
        "metrics",
        sa.Column("integration_id", sa.String(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("integration_id", "minute", "name", "bucket", "node"),
    )
    with op.batch_alter_table("metrics", schema=None) as batch_op:
        batch_op.create_index("ix_metrics_minute", ["minute"], unique=False)

    _keep_changes_of_state()
    with op.batch_alter_table("state_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_state_changes_integration")

    op.drop_table("state_changes")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("former_hash", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("former_until", sa.Float(), nullable=True))
        batch_op.create_index(batch_op.f("ix_api_keys_former_hash"), ["former_hash"], unique=False)

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sequence", sa.BigInteger(), nullable=True))
        batch_op.create_index(
            "ix_events_repeated",
            ["integration_id", "id"],
            unique=False,
            sqlite_where=sa.text("duplicates > 0"),
            postgresql_where=sa.text("duplicates > 0"),
        )
        batch_op.create_index(
            "ix_events_repeated_all",
            ["id"],
            unique=False,
            sqlite_where=sa.text("duplicates > 0"),
            postgresql_where=sa.text("duplicates > 0"),
        )
        batch_op.create_index(
            "ix_events_sequence",
            ["integration_id", "sequence"],
            unique=False,
            sqlite_where=sa.text("sequence IS NOT NULL"),
            postgresql_where=sa.text("sequence IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_events_troubled",
            ["integration_id", "status", "id"],
            unique=False,
            sqlite_where=sa.text("status IN ('failed', 'dead', 'discarded')"),
            postgresql_where=sa.text("status IN ('failed', 'dead', 'discarded')"),
        )
        batch_op.create_index(
            "ix_events_troubled_all",
            ["status", "id"],
            unique=False,
            sqlite_where=sa.text("status IN ('failed', 'dead', 'discarded')"),
            postgresql_where=sa.text("status IN ('failed', 'dead', 'discarded')"),
        )

    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("monitoring", sa.String(), server_default="{}", nullable=False))

    with op.batch_alter_table("logs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("text", sa.String(), nullable=True))


def _keep_changes_of_state() -> None:
    """Move the changes of state into the audit, in place of their own table."""
    changes = sa.table(
        "state_changes", *(sa.column(name) for name in ("id", "integration_id", "before", "after", "at", "who", "why"))
    )
    audit = sa.table(
        "audit",
        *(
            sa.column(name)
            for name in (
                "at",
                "actor_kind",
                "actor_id",
                "actor_name",
                "action",
                "integration_id",
                "subject",
                "changes",
                "why",
            )
        ),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(changes).order_by(changes.c.id)).all():
        connection.execute(
            sa.insert(audit).values(
                at=row.at,
                actor_kind="system" if row.who == "system" else "key",
                actor_id="",
                actor_name=row.who,
                action="status.changed",
                integration_id=row.integration_id,
                subject="",
                changes=json.dumps([{"key": "status", "from": row.before, "to": row.after}]),
                why=row.why,
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("logs", schema=None) as batch_op:
        batch_op.drop_column("text")

    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.drop_column("monitoring")

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_events_troubled_all",
            sqlite_where=sa.text("status IN ('failed', 'dead', 'discarded')"),
            postgresql_where=sa.text("status IN ('failed', 'dead', 'discarded')"),
        )
        batch_op.drop_index(
            "ix_events_troubled",
            sqlite_where=sa.text("status IN ('failed', 'dead', 'discarded')"),
            postgresql_where=sa.text("status IN ('failed', 'dead', 'discarded')"),
        )
        batch_op.drop_index(
            "ix_events_sequence",
            sqlite_where=sa.text("sequence IS NOT NULL"),
            postgresql_where=sa.text("sequence IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_events_repeated_all",
            sqlite_where=sa.text("duplicates > 0"),
            postgresql_where=sa.text("duplicates > 0"),
        )
        batch_op.drop_index(
            "ix_events_repeated", sqlite_where=sa.text("duplicates > 0"), postgresql_where=sa.text("duplicates > 0")
        )
        batch_op.drop_column("sequence")

    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_former_hash"))
        batch_op.drop_column("former_until")
        batch_op.drop_column("former_hash")

    op.create_table(
        "state_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("integration_id", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("state_changes", schema=None) as batch_op:
        batch_op.create_index("ix_state_changes_integration", ["integration_id", "id"], unique=False)

    with op.batch_alter_table("metrics", schema=None) as batch_op:
        batch_op.drop_index("ix_metrics_minute")

    op.drop_table("metrics")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_jobs_open", sqlite_where=sa.text("finished_at IS NULL"), postgresql_where=sa.text("finished_at IS NULL")
        )
        batch_op.drop_index("ix_jobs_integration")

    op.drop_table("jobs")
    op.drop_table("job_items")
    op.drop_table("github_hooks")
    op.drop_table("gap_checks")
    with op.batch_alter_table("gaps", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_gaps_open", sqlite_where=sa.text("closed_at IS NULL"), postgresql_where=sa.text("closed_at IS NULL")
        )

    op.drop_table("gaps")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_idempotency_keys_expires")

    op.drop_table("idempotency_keys")
    with op.batch_alter_table("alert_rules", schema=None) as batch_op:
        batch_op.drop_index("ix_alert_rules_integration")

    op.drop_table("alert_rules")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_integration")

    op.drop_table("audit")
