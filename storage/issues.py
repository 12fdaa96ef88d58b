"""Integration requests that are GitHub issues, and the log of what was done with each."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import BIG_ID
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
