"""An integration's own log: lines that handlers write with the `log` action and that the engine adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import BIG_ID
from storage.events import table


class LogLine(SQLModel, table=True):
    """One line."""

    __tablename__: ClassVar[str] = "logs"
    __table_args__ = (sa.Index("ix_logs_integration", "integration_id", "id"),)

    id: int | None = Field(default=None, sa_column=sa.Column(BIG_ID, primary_key=True, autoincrement=True))
    integration_id: str
    event_id: str | None = None
    at: float
    level: str
    message: str
    fields: str = "{}"
    text: str | None = None
    """The engine's own lines: the message as a stored text (`core.texts`), to be read in any language."""


LOGS = table(LogLine)


def append(connection: sa.Connection, lines: Sequence[Mapping[str, Any]]) -> None:
    """Add lines (mappings of the table's columns without `id`)."""
    connection.execute(sa.insert(LOGS), list(lines))


def newest(
    connection: sa.Connection, integration_id: str, *, levels: Sequence[str] = (), limit: int = 100
) -> list[LogLine]:
    """Return an integration's lines, newest first; `levels` narrows them."""
    query = sa.select(LOGS).where(LOGS.c.integration_id == integration_id)
    if levels:
        query = query.where(LOGS.c.level.in_(levels))
    rows = connection.execute(query.order_by(LOGS.c.id.desc()).limit(limit)).mappings()
    return [LogLine(**row) for row in rows]
