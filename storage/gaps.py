"""Gaps: events that should have arrived and did not, and what is known of GitHub's hooks that should have sent them."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import where
from storage.events import table

OPEN = "closed_at IS NULL"


class Gap(SQLModel, table=True):
    """One gap. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "gaps"
    __table_args__ = (sa.Index("ix_gaps_open", "integration_id", **where(OPEN)),)

    integration_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    """What is missing: GitHub's delivery guid, a range of the sequence, the start of a silence."""
    kind: str
    """`delivery`, `sequence`, `silence`."""
    at_from: float
    at_to: float
    detail: str
    """JSON: what is known of it (the hook, the deliveries' ids and answers; the numbers)."""
    detected_at: float
    asked_at: float | None = None
    """When GitHub was last asked to deliver it again."""
    asked: int = 0
    closed_at: float | None = None
    closed_why: str = ""
    """`arrived`, `gone` (GitHub keeps it no longer), `ended` (a silence)."""


class GitHubHook(SQLModel, table=True):
    """A hook of GitHub's that sends to an integration."""

    __tablename__: ClassVar[str] = "github_hooks"

    integration_id: str = Field(primary_key=True)
    owner: str = Field(primary_key=True)
    """Whose hook it is, as a path of the API: `repos/acme/app`, `orgs/acme`."""
    hook_id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    found_at: float
    checked_at: float | None = None
    newest_delivery: int | None = Field(default=None, sa_type=sa.BigInteger)
    """Up to where its deliveries were compared."""
    error: str | None = None
    """Why it could not be asked last time: JSON `{"error", "message"}`."""


GAPS = table(Gap)
HOOKS = table(GitHubHook)
