"""Events as they are kept: the row that is the queue, the body, the steps, and how they are read."""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import BIG_ID, where

CLAIMABLE = "run_at IS NOT NULL"
"""An event that waits for a worker has the time from which it may run; one that is held or ended has none."""


TROUBLED = "status IN ('failed', 'dead', 'discarded')"
"""Events that people look for by their status: few among many, so that each list of them is found by its index."""
REPEATED = "duplicates > 0"


class Event(SQLModel, table=True):
    """One accepted delivery, and where it stands. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "events"
    __table_args__ = (
        sa.Index("ix_events_due", "integration_id", "run_at", "id", **where(CLAIMABLE)),
        sa.Index("ix_events_lease", "lease_until", **where("lease_until IS NOT NULL")),
        sa.Index("ix_events_waiting", "waiting_for", **where("waiting_for IS NOT NULL")),
        sa.Index("ix_events_integration", "integration_id", "id"),
        sa.Index("ix_events_troubled", "integration_id", "status", "id", **where(TROUBLED)),
        sa.Index("ix_events_troubled_all", "status", "id", **where(TROUBLED)),
        sa.Index("ix_events_repeated_all", "id", **where(REPEATED)),
        sa.Index("ix_events_repeated", "integration_id", "id", **where(REPEATED)),
        sa.Index("ix_events_sequence", "integration_id", "sequence", **where("sequence IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    integration_id: str
    type: str
    delivery_id: str | None = None
    status: str
    received_at: float
    remote: str
    size: int
    intake: str
    """What was done before the answer (receive, verify, deduplicate), as JSON steps."""
    duplicates: int = 0
    run: int = 1
    attempt: int = 0
    run_at: float | None = None
    lease_token: str | None = None
    lease_until: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    error: str | None = None
    """Why the last attempt failed, as JSON `{"error", "message"}`."""
    waiting_for: str | None = None
    """A service that is not configured: the event waits for it, outside of the count of attempts."""
    sequence: int | None = Field(default=None, sa_type=sa.BigInteger)
    """The number that its sender counts by, where the manifest names one (`source.sequence_path`)."""
    version: str | None = None
    """The package (digest or commit) that the last attempt ran."""


class EventBody(SQLModel, table=True):
    """What was delivered, byte for byte; apart from the event so that its many updates stay small."""

    __tablename__: ClassVar[str] = "event_bodies"

    event_id: str = Field(primary_key=True)
    headers: str
    body: bytes


class Deduplication(SQLModel, table=True):
    """A delivery id or payload key that was seen, until it expires."""

    __tablename__: ClassVar[str] = "deduplication"
    __table_args__ = (sa.Index("ix_deduplication_expires", "expires_at"),)

    integration_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    event_id: str
    expires_at: float


class Run(SQLModel, table=True):
    """The actions of one run, validated and stored once; a retry executes these."""

    __tablename__: ClassVar[str] = "runs"

    event_id: str = Field(primary_key=True)
    run: int = Field(primary_key=True)
    actions: str
    """JSON list of `{"type", "params"}`; secrets stand as this run's references."""
    references: str
    """JSON: reference → name of the secret. Good for this run alone."""
    printed: str = ""


class Effect(SQLModel, table=True):
    """The effect ledger: the intent before an action, the result after it. An intent alone is done again."""

    __tablename__: ClassVar[str] = "effects"

    event_id: str = Field(primary_key=True)
    run: int = Field(primary_key=True)
    place: int = Field(primary_key=True)
    intent_at: float
    result_at: float | None = None
    result: str | None = None


class Step(SQLModel, table=True):
    """One hop of an event's way."""

    __tablename__: ClassVar[str] = "steps"
    __table_args__ = (sa.Index("ix_steps_event", "event_id", "id"),)

    id: int | None = Field(default=None, sa_column=sa.Column(BIG_ID, primary_key=True, autoincrement=True))
    event_id: str
    run: int
    attempt: int
    name: str
    target: str = ""
    detail: str = ""
    status: str
    started_at: float
    duration_ms: float
    error_message: str | None = None


def table(model: type[SQLModel]) -> sa.Table:
    """Return a model's table."""
    found: sa.Table = model.__table__  # type: ignore[attr-defined]  # SQLModel sets it without declaring it
    return found


EVENTS = table(Event)
BODIES = table(EventBody)
STEPS = table(Step)
EFFECTS = table(Effect)
RUNS = table(Run)


def get(connection: sa.Connection, event_id: str) -> Event | None:
    """Return one event."""
    row = connection.execute(sa.select(EVENTS).where(EVENTS.c.id == event_id)).mappings().first()
    return Event(**row) if row else None


def body(connection: sa.Connection, event_id: str) -> EventBody | None:
    """Return what was delivered."""
    row = connection.execute(sa.select(BODIES).where(BODIES.c.event_id == event_id)).mappings().first()
    return EventBody(**row) if row else None


def steps(connection: sa.Connection, event_id: str) -> list[Step]:
    """Return an event's steps after its intake, in the order in which they happened."""
    rows = connection.execute(sa.select(STEPS).where(STEPS.c.event_id == event_id).order_by(STEPS.c.id)).mappings()
    return [Step(**row) for row in rows]


def effects(connection: sa.Connection, event_id: str, run: int) -> list[Effect]:
    """Return the ledger's lines of one run, by the actions' places."""
    rows = connection.execute(
        sa.select(EFFECTS).where(EFFECTS.c.event_id == event_id, EFFECTS.c.run == run).order_by(EFFECTS.c.place)
    ).mappings()
    return [Effect(**row) for row in rows]


def last_activity(connection: sa.Connection, integration_id: str) -> float | None:
    """Return when the integration's newest event was received."""
    query = sa.select(EVENTS.c.received_at).where(EVENTS.c.integration_id == integration_id)
    found: float | None = connection.execute(query.order_by(EVENTS.c.id.desc()).limit(1)).scalar()
    return found


def depth(connection: sa.Connection) -> dict[str, Any]:
    """Return how many events wait, and since when the oldest does."""
    row = connection.execute(
        sa.select(sa.func.count(), sa.func.min(EVENTS.c.received_at)).where(sa.text(CLAIMABLE)).select_from(EVENTS)
    ).one()
    return {"depth": row[0], "oldest": row[1]}
