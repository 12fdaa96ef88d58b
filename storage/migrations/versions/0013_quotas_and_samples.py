"""What is left of services' quotas, for all nodes; sums of gauges' samples beside the highest of hours and days."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_PARTS = ((":total", sa.func.sum), (":samples", sa.func.count), (":least", sa.func.min))
_MINUTES = sa.table("metrics", *(sa.column(name) for name in ("integration_id", "name", "value", "rolled")),
                    sa.column("minute", sa.BigInteger))  # fmt: skip
_ROLLED = sa.table("metrics_rolled", *(sa.column(name) for name in (
    "integration_id", "seconds", "start", "name", "bucket", "value")))  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("credential", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("allowed", sa.BigInteger(), nullable=False),
        sa.Column("resets_at", sa.Float(), nullable=False),
        sa.Column("heard_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("service", "credential"),
    )
    for gauge in ("queue_age", "queue_depth"):
        for seconds in (3600, 86400):
            for suffix, made in _PARTS:
                _roll_up(gauge, seconds, suffix, made(_MINUTES.c.value))


def _roll_up(gauge: str, seconds: int, suffix: str, made: sa.ColumnElement[float]) -> None:
    """Make it of hours and days whose minutes are all there still; of older ones the highest alone stays known."""
    start = (_MINUTES.c.minute // seconds * seconds).label("start")
    whole = start >= sa.select(sa.func.max(_MINUTES.c.minute) - 7 * 86400).scalar_subquery()
    rows = sa.select(
        _MINUTES.c.integration_id, sa.literal_column(str(seconds)), start, sa.literal_column(f"'{gauge}{suffix}'"),
        sa.literal_column("0"), made,
    ).where(_MINUTES.c.name == gauge, _MINUTES.c.value != 0, _MINUTES.c.rolled != 0, whole)  # fmt: skip
    rows = rows.group_by(_MINUTES.c.integration_id, sa.literal_column("3"))
    op.execute(sa.insert(_ROLLED).from_select([column.name for column in _ROLLED.c], rows))


def downgrade() -> None:
    for suffix, _ in _PARTS:
        op.execute(sa.delete(_ROLLED).where(_ROLLED.c.name.like(f"queue_%{suffix}")))
    op.drop_table("quotas")
