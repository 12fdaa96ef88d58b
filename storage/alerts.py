"""Alerts: how each rule stands, each time that one fired, and all that happened with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import alert_outbox, audit, bulk
from storage.dialect import BIG_ID, upsert, where
from storage.events import table

OPEN = "ended_at IS NULL"


class AlertStanding(SQLModel, table=True):
    """How a rule stood at the last look. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "alert_standings"

    rule_id: str = Field(primary_key=True)
    integration_id: str
    name: str
    condition: str
    state: str
    since: float
    value: float | None = None
    threshold: float | None = None
    metric: str = ""
    samples: int = 0
    alert_id: str | None = None
    memory: str
    """JSON: what the next look goes on from."""


class Alert(SQLModel, table=True):
    """One time that a rule's condition held, from its first moment to its end."""

    __tablename__: ClassVar[str] = "alerts"
    __table_args__ = (
        sa.Index("ix_alerts_open", "rule_id", **where(OPEN)),
        sa.Index("ix_alerts_integration", "integration_id", "id"),
        sa.Index("ix_alerts_ended", "ended_at"),
    )

    id: str = Field(primary_key=True)
    rule_id: str
    integration_id: str
    """`engine` for those about the engine itself."""
    integration: str
    """The integration's name."""
    name: str
    condition: str
    severity: str
    channels: str
    """JSON list of addresses; empty: the default ones."""
    description: str = ""
    repeat_seconds: float | None = None
    status: str
    """`pending`, `firing`; ended: `resolved`, `withdrawn` (it never fired), `ended_without_data`, `removed`."""
    started_at: float
    fired_at: float | None = None
    ended_at: float | None = None
    metric: str = ""
    value: float | None = None
    threshold: float | None = None
    samples: int = 0
    detail: str | None = None
    """In words, where there is no metric: JSON of a text."""
    facts: str = "{}"
    """JSON: how much, the commonest error, changes shortly before."""
    without_data: bool = False
    flapping: bool = False
    silenced_by: str | None = None
    told_at: float | None = None
    acknowledged_at: float | None = None
    acknowledged_by: str | None = None
    comment: str = ""
    snoozed_until: float | None = None
    snoozed_by: str | None = None


class AlertHistory(SQLModel, table=True):
    """One thing that happened with an alert."""

    __tablename__: ClassVar[str] = "alert_history"
    __table_args__ = (sa.Index("ix_alert_history_alert", "alert_id", "id"),)

    id: int | None = Field(default=None, sa_column=sa.Column(BIG_ID, primary_key=True, autoincrement=True))
    alert_id: str
    at: float
    kind: str
    data: str = "{}"
    """JSON: what belongs to it: value, channel, silence, attempt, answer."""


class AlertSilence(SQLModel, table=True):
    """A time in which alerts are not told; what is None fits all."""

    __tablename__: ClassVar[str] = "alert_silences"
    __table_args__ = (sa.Index("ix_alert_silences_to", "at_to"),)

    id: str = Field(primary_key=True)
    kind: str
    """`silence` or `maintenance`."""
    integration_id: str | None = None
    rule: str | None = None
    severity: str | None = None
    at_from: float
    at_to: float
    comment: str
    created_at: float
    created_by: str
    updated_at: float


class AlertPass(SQLModel, table=True):
    """The last look at all rules: one row, whose revision lets one look at a time be written."""

    __tablename__: ClassVar[str] = "alert_passes"

    id: int = Field(primary_key=True)
    revision: int
    at: float
    seconds: float
    rules: int


STANDINGS = table(AlertStanding)
ALERTS = table(Alert)
HISTORY = table(AlertHistory)
SILENCES = table(AlertSilence)
PASSES = table(AlertPass)
_STANDING_COLUMNS = tuple(STANDINGS.c.keys())
_PUT = bulk.insert(
    STANDINGS,
    *_STANDING_COLUMNS,
    ending="ON CONFLICT (rule_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _STANDING_COLUMNS[1:]),
)


@dataclass(frozen=True)
class Look:
    """What one look at all rules writes. `ended`: rules that are there no more."""

    revision: int
    at: float
    seconds: float
    rules: int
    standings: Sequence[Mapping[str, Any]]
    new: Sequence[Mapping[str, Any]]
    changed: Mapping[str, Mapping[str, Any]]
    """An alert's id → columns."""
    history: Sequence[Mapping[str, Any]]
    plans: Sequence[alert_outbox.Plan]
    ended: Collection[str] = ()


def revision(connection: sa.Connection) -> int:
    """Return the revision of the last look, 0 before the first."""
    return int(connection.execute(sa.select(PASSES.c.revision)).scalar() or 0)


def last_pass(connection: sa.Connection) -> AlertPass | None:
    """Return the last look at all rules."""
    row = connection.execute(sa.select(PASSES)).mappings().first()
    return AlertPass(**row) if row else None


def write(connection: sa.Connection, look: Look) -> bool:
    """Write a look, with all that is to be told; return False, writing nothing, when another was written meanwhile."""
    values = {"revision": look.revision + 1, "at": look.at, "seconds": look.seconds, "rules": look.rules}
    statement = upsert(connection, PASSES).values(id=1, **values)
    statement = statement.on_conflict_do_update(
        index_elements=[PASSES.c.id], set_=values, where=PASSES.c.revision == look.revision
    )
    if connection.execute(statement.returning(PASSES.c.id)).scalar() is None:
        return False
    if look.ended:
        connection.execute(sa.delete(STANDINGS).where(STANDINGS.c.rule_id.in_(list(look.ended))))
    _PUT(connection, [tuple(row[name] for name in _STANDING_COLUMNS) for row in look.standings])
    if look.new:
        connection.execute(sa.insert(ALERTS), list(look.new))
    _change(connection, look.changed)
    note(connection, look.history)
    for plan in look.plans:
        alert_outbox.plan(connection, plan, now=look.at)
    return True


def _change(connection: sa.Connection, changed: Mapping[str, Mapping[str, Any]]) -> None:
    """Set columns of many alerts: those that change the same ones together."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for alert_id, columns in changed.items():
        alike.setdefault(tuple(sorted(columns)), []).append({"_id": alert_id, **columns})
    for names, rows in alike.items():
        statement = sa.update(ALERTS).where(ALERTS.c.id == sa.bindparam("_id"))
        connection.execute(statement.values({name: sa.bindparam(name) for name in names}), rows)


def note(connection: sa.Connection, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add to the history of alerts (`alert_id`, `at`, `kind`, `data`)."""
    if entries:
        connection.execute(sa.insert(HISTORY), list(entries))


def standings(connection: sa.Connection, *, integration_id: str | None = None) -> list[AlertStanding]:
    """Return how the rules stood at the last look."""
    query = sa.select(STANDINGS).order_by(STANDINGS.c.integration_id, STANDINGS.c.rule_id)
    if integration_id is not None:
        query = query.where(STANDINGS.c.integration_id == integration_id)
    # As they are: there may be thousands every few seconds, and validating one takes twelve times as long.
    return [AlertStanding.model_construct(**row) for row in connection.execute(query).mappings()]


def open_alerts(connection: sa.Connection) -> list[Alert]:
    """Return the alerts that have not ended."""
    query = sa.select(ALERTS).where(sa.text(OPEN)).order_by(ALERTS.c.id)
    return [Alert(**row) for row in connection.execute(query).mappings()]


def resolved(connection: sa.Connection, *, since: float) -> dict[str, float]:
    """Return, by rule, when its last alert was resolved, of those since then."""
    query = sa.select(ALERTS.c.rule_id, sa.func.max(ALERTS.c.ended_at)).group_by(ALERTS.c.rule_id)
    query = query.where(ALERTS.c.ended_at >= since, ALERTS.c.status == "resolved")
    return {rule_id: at for rule_id, at in connection.execute(query)}


def reached(connection: sa.Connection) -> dict[str, list[str]]:
    """Return, of each alert that has been told and fires, the channels that it is told in."""
    told = sa.select(ALERTS.c.id).where(sa.text(OPEN), ALERTS.c.told_at.is_not(None))
    return alert_outbox.reached(connection, told)


def get(connection: sa.Connection, alert_id: str) -> Alert | None:
    """Return one alert."""
    row = connection.execute(sa.select(ALERTS).where(ALERTS.c.id == alert_id)).mappings().first()
    return Alert(**row) if row else None


def of_ids(connection: sa.Connection, ids: Collection[str]) -> list[Alert]:
    """Return alerts, the oldest first."""
    query = sa.select(ALERTS).where(ALERTS.c.id.in_(list(ids))).order_by(ALERTS.c.id)
    return [Alert(**row) for row in connection.execute(query).mappings()]


def of_message(connection: sa.Connection, message_id: str) -> list[Alert]:
    """Return the alerts that a message is about, the oldest first."""
    return of_ids(connection, alert_outbox.alerts_of(connection, message_id))


def newest(
    connection: sa.Connection,
    *,
    integration_id: str | None = None,
    statuses: Sequence[str] = (),
    severity: str | None = None,
    rule_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Alert]:
    """Return alerts, newest first. `after`: the id of the last one seen."""
    wanted = {"integration_id": integration_id, "severity": severity, "rule_id": rule_id}
    conditions: list[Any] = [ALERTS.c[name] == value for name, value in wanted.items() if value is not None]
    if statuses:
        conditions.append(ALERTS.c.status.in_(list(statuses)))
    if after is not None:
        conditions.append(ALERTS.c.id < after)
    query = sa.select(ALERTS).where(*conditions).order_by(ALERTS.c.id.desc()).limit(limit)
    return [Alert(**row) for row in connection.execute(query).mappings()]


def history(connection: sa.Connection, alert_id: str) -> list[AlertHistory]:
    """Return all that happened with an alert, in order."""
    query = sa.select(HISTORY).where(HISTORY.c.alert_id == alert_id).order_by(HISTORY.c.id)
    return [AlertHistory(**row) for row in connection.execute(query).mappings()]


def change(
    connection: sa.Connection,
    alert_id: str,
    columns: Mapping[str, Any],
    *,
    history: Sequence[Mapping[str, Any]],
    plans: Sequence[alert_outbox.Plan],
    entry: Mapping[str, Any],
    now: float,
) -> bool:
    """Set columns of an alert that has not ended, with its history, what is to be told, and the audit's entry."""
    mine = (ALERTS.c.id == alert_id, sa.text(OPEN))
    if not connection.execute(sa.update(ALERTS).where(*mine).values(**columns)).rowcount:
        return False
    note(connection, history)
    for plan in plans:
        alert_outbox.plan(connection, plan, now=now)
    audit.add(connection, entry)
    return True


def silences(connection: sa.Connection, *, ends_after: float | None = None) -> list[AlertSilence]:
    """Return silences, the last to end first. `ends_after`: those that end later."""
    query = sa.select(SILENCES).order_by(SILENCES.c.at_to.desc(), SILENCES.c.id)
    if ends_after is not None:
        query = query.where(SILENCES.c.at_to > ends_after)
    return [AlertSilence(**row) for row in connection.execute(query).mappings()]


def silence(connection: sa.Connection, silence_id: str) -> AlertSilence | None:
    """Return one silence."""
    row = connection.execute(sa.select(SILENCES).where(SILENCES.c.id == silence_id)).mappings().first()
    return AlertSilence(**row) if row else None


def add_silence(connection: sa.Connection, row: Mapping[str, Any], *, entry: Mapping[str, Any]) -> None:
    """Store a new silence, and the audit's entry."""
    connection.execute(sa.insert(SILENCES).values(**row))
    audit.add(connection, entry)


def change_silence(
    connection: sa.Connection, row: Mapping[str, Any], *, now: float, entry: Mapping[str, Any]
) -> bool:  # fmt: skip
    """Change a silence, with the audit's entry; return False, changing nothing, where it has ended by `now`."""
    open_ = (SILENCES.c.id == row["id"], SILENCES.c.at_to > now)
    if not connection.execute(sa.update(SILENCES).where(*open_).values(**row)).rowcount:
        return False
    audit.add(connection, entry)
    return True


def forget(connection: sa.Connection, *, ended_before: float) -> None:
    """Delete alerts, with their history, and silences that ended before that time."""
    old = sa.select(ALERTS.c.id).where(ALERTS.c.ended_at < ended_before)
    connection.execute(sa.delete(HISTORY).where(HISTORY.c.alert_id.in_(old)))
    alert_outbox.forget(connection, old)
    connection.execute(sa.delete(ALERTS).where(ALERTS.c.ended_at < ended_before))
    connection.execute(sa.delete(SILENCES).where(SILENCES.c.at_to < ended_before))
