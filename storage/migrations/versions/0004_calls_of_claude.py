"""What each call of Claude has cost, also where no round came of it; problems of rounds in their readers' language."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = ("request_id", "version", "round")
_ROUNDS = sa.table("request_rounds", *(sa.column(name) for name in (*_KEY, "at", "cost", "person", "problem")))
_CALL = ("id", "request_id", "version", "at", "person", "under_way", "cost", "input_cost", "estimated")
_CALLS = sa.table("request_calls", *(sa.column(name) for name in _CALL))


def upgrade() -> None:
    op.create_table(
        "request_calls",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("under_way", sa.Boolean(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("input_cost", sa.Float(), nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("request_calls", schema=None) as batch_op:
        batch_op.create_index("ix_request_calls_at", ["at"], unique=False)
        batch_op.create_index("ix_request_calls_request", ["request_id"], unique=False)

    _move(op.get_bind())
    with op.batch_alter_table("request_rounds", schema=None) as batch_op:
        batch_op.drop_column("person")

    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("limits", sa.Integer(), server_default="0", nullable=False))


def _move(connection: sa.Connection) -> None:
    """Make a call of each round, and a stored text of each problem; what was reserved stood under the round 0."""
    connection.execute(sa.delete(_ROUNDS).where(_ROUNDS.c.round == 0))
    for row in connection.execute(sa.select(_ROUNDS)).mappings().all():
        connection.execute(
            sa.insert(_CALLS).values(
                id="-".join(str(row[name]) for name in _KEY), under_way=False, input_cost=0.0, estimated=False,
                **{name: row[name] for name in ("request_id", "version", "at", "person", "cost")},
            )
        )  # fmt: skip
        if row["problem"]:
            stored = json.dumps(["{problem}", None, 0, {"problem": row["problem"]}])
            which = [_ROUNDS.c[name] == row[name] for name in _KEY]
            connection.execute(sa.update(_ROUNDS).where(*which).values(problem=stored))


def downgrade() -> None:
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.drop_column("limits")

    with op.batch_alter_table("request_rounds", schema=None) as batch_op:
        batch_op.add_column(sa.Column("person", sa.String(), server_default="", nullable=False))

    op.drop_table("request_calls")
