"""The audit: every change that somebody made, kept in the same transaction as the change itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import BIG_ID
from storage.events import table


class AuditEntry(SQLModel, table=True):
    """One change: who, when, what, from, to. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "audit"
    __table_args__ = (sa.Index("ix_audit_integration", "integration_id", "id"),)

    id: int | None = Field(default=None, sa_column=sa.Column(BIG_ID, primary_key=True, autoincrement=True))
    at: float
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    """What was done, such as `config.changed`."""
    integration_id: str | None = None
    subject: str = ""
    """What else it was done to: the id of a key, a job, an event."""
    changes: str = "[]"
    """JSON: `[{"key", "from", "to"}]`, secrets masked."""
    why: str = ""


AUDIT = table(AuditEntry)
DEPLOYED = "deployed"
"""The action of the engine itself: another version of it has started. The version is the entry's subject."""


def add(connection: sa.Connection, entry: Mapping[str, Any]) -> None:
    """Keep one change; call it in the transaction that makes the change."""
    connection.execute(sa.insert(AUDIT).values({"subject": "", "changes": "[]", "why": "", **entry}))


def newest(
    connection: sa.Connection,
    *,
    integration_id: str | None = None,
    action: str | None = None,
    at_from: float | None = None,
    at_to: float | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[AuditEntry]:
    """Return changes (of one integration, of one kind), newest first. `before`: the id of the last one seen."""
    conditions: list[Any] = []
    if integration_id is not None:
        conditions.append(AUDIT.c.integration_id == integration_id)
    if action is not None:
        conditions.append(AUDIT.c.action == action)
    if at_from is not None:
        conditions.append(AUDIT.c.at >= at_from)
    if at_to is not None:
        conditions.append(AUDIT.c.at < at_to)
    if before is not None:
        conditions.append(AUDIT.c.id < before)
    query = sa.select(AUDIT).where(*conditions).order_by(AUDIT.c.id.desc()).limit(limit)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def deployments(
    connection: sa.Connection, *, since: float | None = None, until: float | None = None, limit: int = 50
) -> list[AuditEntry]:
    """Return when another version of the engine started, the newest first."""
    conditions: list[Any] = [AUDIT.c.integration_id.is_(None), AUDIT.c.action == DEPLOYED]
    if since is not None:
        conditions.append(AUDIT.c.at >= since)
    if until is not None:
        conditions.append(AUDIT.c.at < until)
    query = sa.select(AUDIT).where(*conditions).order_by(AUDIT.c.id.desc()).limit(limit)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]
