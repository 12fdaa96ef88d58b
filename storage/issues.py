"""Integration requests that are GitHub issues, and the log of what was done with each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit
from storage.dialect import BIG_ID, upsert
from storage.events import table


class Issue(SQLModel, table=True):
    """What is known of one issue. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "issues"

    repository: str = Field(primary_key=True)
    """`owner/repo` in lower case."""
    number: int = Field(primary_key=True)
    title: str
    status: str
    """`requested`, or `failed` with `error_details`."""
    fields: str = "{}"
    """JSON: what the template's fields say."""
    error_details: str | None = None
    updated_at: float


class IssueLogLine(SQLModel, table=True):
    """One step of an issue's way."""

    __tablename__: ClassVar[str] = "issue_logs"
    __table_args__ = (sa.Index("ix_issue_logs_issue", "repository", "number", "id"),)

    id: int | None = Field(default=None, sa_column=sa.Column(BIG_ID, primary_key=True, autoincrement=True))
    repository: str
    number: int
    at: float
    level: str
    step: str
    message: str
    """A text as `core.texts` stores it."""
    fields: str = "{}"


ISSUES = table(Issue)
LINES = table(IssueLogLine)

MOST_LINES = 1_000
"""Lines kept of one issue, the newest."""


def find(connection: sa.Connection, repository: str, number: int) -> Issue | None:
    """Return what is known of an issue."""
    query = sa.select(ISSUES).where(ISSUES.c.repository == repository, ISSUES.c.number == number)
    row = connection.execute(query).mappings().first()
    return Issue(**row) if row else None


def store(
    connection: sa.Connection,
    issue: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    *,
    entries: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Set what is known of an issue, add to its log, and keep the audit's `entries` beside it."""
    key = ("repository", "number")
    statement = upsert(connection, ISSUES).values(**issue)
    changed = {name: statement.excluded[name] for name in issue if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed))
    append(connection, issue["repository"], issue["number"], lines, entries=entries)


def append(
    connection: sa.Connection,
    repository: str,
    number: int,
    lines: Sequence[Mapping[str, Any]],
    *,
    entries: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Add lines (mappings of `at`, `level`, `step`, `message`, `fields`), and drop the oldest beyond the bound."""
    whose = {"repository": repository, "number": number}
    connection.execute(sa.insert(LINES), [{**line, **whose} for line in lines])
    own = _own(repository, number)
    oldest = sa.select(LINES.c.id).where(*own).order_by(LINES.c.id.desc()).offset(MOST_LINES).limit(1)
    last = connection.execute(oldest).scalar()
    if last is not None:
        connection.execute(sa.delete(LINES).where(*own, LINES.c.id <= last))
    for entry in entries:
        audit.add(connection, entry)


def newest_lines(
    connection: sa.Connection, repository: str, number: int, *, levels: Sequence[str], limit: int
) -> list[IssueLogLine]:
    """Return the newest lines of these levels, in the order in which they were written."""
    query = sa.select(LINES).where(*_own(repository, number), LINES.c.level.in_(levels))
    rows = connection.execute(query.order_by(LINES.c.id.desc()).limit(limit)).mappings().all()
    return [IssueLogLine(**row) for row in reversed(rows)]


def has_lines(connection: sa.Connection, repository: str, number: int) -> bool:
    """Say whether anything was ever done with an issue."""
    return connection.execute(sa.select(LINES.c.id).where(*_own(repository, number)).limit(1)).first() is not None


def _own(repository: str, number: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (LINES.c.repository == repository, LINES.c.number == number)
