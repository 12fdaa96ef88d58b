"""The alert rules of each integration, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit
from storage.dialect import for_update
from storage.events import table
from storage.integrations import INTEGRATIONS


class AlertRule(SQLModel, table=True):
    """One rule. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "alert_rules"
    __table_args__ = (
        sa.UniqueConstraint("integration_id", "name"),
        sa.Index("ix_alert_rules_integration", "integration_id", "place"),
    )

    id: str = Field(primary_key=True)
    integration_id: str
    place: int
    name: str
    condition: str
    """As `core.alerts.rule.show` writes it."""
    channels: str
    """JSON list of addresses; empty: the default ones."""
    severity: str
    description: str = ""
    resolve_condition: str | None = None
    """What must hold for the end; None: that the condition does not."""
    min_samples: int | None = None
    repeat_seconds: float | None = None
    created_at: float
    updated_at: float


RULES = table(AlertRule)
_CONTENT = (
    "condition",
    "channels",
    "severity",
    "description",
    "resolve_condition",
    "min_samples",
    "repeat_seconds",
)


def all_of(connection: sa.Connection, integration_id: str) -> Sequence[AlertRule]:
    """Return the rules of an integration, in their order."""
    query = sa.select(RULES).where(RULES.c.integration_id == integration_id).order_by(RULES.c.place)
    return [AlertRule(**row) for row in connection.execute(query).mappings()]


def everything(connection: sa.Connection) -> Sequence[AlertRule]:
    """Return the rules of all integrations, to be read alone."""
    query = sa.select(RULES).order_by(RULES.c.integration_id, RULES.c.place)
    # As they are: there may be thousands every few seconds, and validating one takes twelve times as long.
    return [AlertRule.model_construct(**row) for row in connection.execute(query).mappings()]


def replace(
    connection: sa.Connection,
    integration_id: str,
    rules: Sequence[Mapping[str, Any]],
    *,
    now: float,
    entry: Mapping[str, Any] | None = None,
    seen: Sequence[tuple[str, float]] | None = None,
) -> Sequence[AlertRule] | None:
    """Make `rules` (id, name and content of each) all that the integration has, and return them.

    A rule whose name or id was there keeps its id and `created_at`; `updated_at` moves where it differs. The audit's
    `entry` is kept beside the change. Where `seen` is given (id and `updated_at` of each rule, in their order) and the
    rules are others by now, nothing is changed, and None returned.
    """
    # One at a time, so that two nodes do not both add what neither has seen.
    here = sa.select(INTEGRATIONS.c.id).where(INTEGRATIONS.c.id == integration_id)
    connection.execute(for_update(connection, here))
    there = all_of(connection, integration_id)
    if seen is not None and [(rule.id, rule.updated_at) for rule in there] != list(seen):
        return None
    by_name, by_id = {rule.name: rule for rule in there}, {rule.id: rule for rule in there}
    connection.execute(sa.delete(RULES).where(RULES.c.integration_id == integration_id))
    rows = [
        {
            **rule,
            **_kept(by_name.get(rule["name"]) or by_id.get(rule["id"]), rule, now),
            "integration_id": integration_id,
            "place": place,
        }
        for place, rule in enumerate(rules)
    ]
    if rows:
        connection.execute(sa.insert(RULES), rows)
    if entry is not None:
        audit.add(connection, entry)
    return all_of(connection, integration_id)


def _kept(former: AlertRule | None, rule: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return what a rule keeps of the one that had its name or id."""
    if former is None:
        return {"created_at": now, "updated_at": now}
    same = all(getattr(former, name) == rule.get(name) for name in ("name", *_CONTENT))
    return {"id": former.id, "created_at": former.created_at, "updated_at": former.updated_at if same else now}
