"""Deliveries that were refused: a bounded log, written apart from the ingest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import metrics
from storage.events import table


class Rejection(SQLModel, table=True):
    """One refused delivery. `integration_id` is empty where the address named none that we know."""

    __tablename__: ClassVar[str] = "webhook_log"
    __table_args__ = (
        sa.Index("ix_webhook_log_integration", "integration_id", "at"),
        sa.Index("ix_webhook_log_at", "at"),
    )

    id: str = Field(primary_key=True)
    integration_id: str
    at: float
    status: int
    reason: str
    remote: str
    detail: str
    suppressed: int = 0
    """How many more like it came from the same address and were only counted."""


LOG = table(Rejection)


def store(
    connection: sa.Connection,
    lines: Sequence[Mapping[str, Any]],
    *,
    suppressed: Mapping[str, int],
    most_each: int,
    most: int,
    counts: metrics.Counts,
) -> None:
    """Add lines, add to the counts of earlier ones (by id), then drop the oldest beyond the bounds.

    `counts`: what goes into the metrics beside it.
    """
    if lines:
        connection.execute(sa.insert(LOG), list(lines))
    for line_id, count in suppressed.items():
        statement = sa.update(LOG).where(LOG.c.id == line_id)
        connection.execute(statement.values(suppressed=LOG.c.suppressed + count))
    for integration_id in sorted({line["integration_id"] for line in lines}):
        _trim(connection, LOG.c.integration_id == integration_id, most_each)
    if lines:
        _trim(connection, sa.true(), most)
    metrics.add(connection, counts)


def newest(connection: sa.Connection, integration_id: str, limit: int) -> Sequence[Rejection]:
    """Return an integration's lines, newest first."""
    query = sa.select(LOG).where(LOG.c.integration_id == integration_id).order_by(LOG.c.at.desc(), LOG.c.id.desc())
    return [Rejection(**row) for row in connection.execute(query.limit(limit)).mappings()]


def _trim(connection: sa.Connection, which: sa.ColumnElement[bool], most: int) -> None:
    """Keep the newest `most` of the lines that `which` chooses."""
    order = (LOG.c.at.desc(), LOG.c.id.desc())
    last = connection.execute(sa.select(LOG.c.at, LOG.c.id).where(which).order_by(*order).offset(most).limit(1)).first()
    if last is not None:
        older = sa.or_(LOG.c.at < last.at, sa.and_(LOG.c.at == last.at, LOG.c.id <= last.id))
        connection.execute(sa.delete(LOG).where(which, older))
