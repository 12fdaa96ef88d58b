"""The queue that the events' own rows are: claimed under a lease, written only by who holds it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from storage import bulk, logs, metrics
from storage.dialect import announce, for_update
from storage.events import EFFECTS, EVENTS, RUNS, STEPS
from storage.integrations import INTEGRATIONS

_LEASES = bulk.ManyRows(
    "SELECT id, lease_token FROM events JOIN ({rows}) AS given ON id = column1 AND lease_token = column2 "
    "ORDER BY id {lock}",
    *(EVENTS.c[name] for name in ("id", "lease_token")),
    lock="FOR UPDATE OF events",
)
_INSERT_RUNS = bulk.insert(RUNS, "event_id", "run", "actions", "references", "printed")
_INSERT_INTENTS = bulk.insert(EFFECTS, "event_id", "run", "place", "intent_at")
_INSERT_STEPS = bulk.insert(
    STEPS, "event_id", "run", "attempt", "name", "target", "detail", "status", "started_at", "duration_ms",
    "error_message",
)  # fmt: skip
_WRITE_RESULTS = bulk.ManyRows(
    "UPDATE effects SET result_at = given.column4, result = given.column5 FROM ({rows}) AS given "
    "WHERE event_id = given.column1 AND run = given.column2 AND place = given.column3",
    *(EFFECTS.c[name] for name in ("event_id", "run", "place", "result_at", "result")),
)
_RENEW = bulk.ManyRows(
    "UPDATE events SET lease_until = given.column2, version = coalesce(given.column3, version) "
    "FROM ({rows}) AS given WHERE id = given.column1",
    *(EVENTS.c[name] for name in ("id", "lease_until", "version")),
)
_END = bulk.ManyRows(
    "UPDATE events SET status = given.column2, run_at = given.column3, finished_at = given.column4, "
    "error = given.column5, waiting_for = given.column6, attempt = attempt - given.column7, "
    "version = coalesce(given.column8, version), lease_token = NULL, lease_until = NULL "
    "FROM ({rows}) AS given WHERE id = given.column1",
    *(EVENTS.c[n] for n in ("id", "status", "run_at", "finished_at", "error", "waiting_for", "attempt", "version")),
)

INTEGRATIONS_AT_ONCE = 200
"""How many integrations one claim looks at; the next claim goes on behind them."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event that this worker holds, with all that a first look at it needs."""

    id: str
    integration_id: str
    type: str
    received_at: float
    run: int
    attempt: int
    planned: bool
    """Whether an earlier attempt has stored this run's actions."""
    token: str
    headers: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish for work: at most `limit` events, and per integration no more than `room` says (else `room_each`).

    `most_bytes`: bodies of no more than that in all, but at least one event. `after`: the integration where the last
    claim ended, so that all take turns.
    """

    now: float
    lease_until: float
    limit: int
    room_each: int
    most_bytes: int
    room: Mapping[str, int] = field(default_factory=dict)
    after: str = ""


def claim(connection: sa.Connection, wish: Claim) -> list[Claimed]:
    """Take what is due, the integrations in turn, each one's oldest first."""
    due = _in_turn(connection, wish.now, wish.after)
    share = max(1, wish.limit // max(1, len(due)))
    chosen: dict[str, list[tuple[str, int]]] = {}
    for quota in (share, wish.limit):  # a fair share each first, then whatever is left over
        for integration_id in due:
            mine = chosen.setdefault(integration_id, [])
            left = wish.limit - sum(map(len, chosen.values())) + len(mine)
            room = min(quota, wish.room.get(integration_id, wish.room_each), left)
            if room > len(mine):
                chosen[integration_id] = _oldest(connection, integration_id, wish.now, room)
    held = _within([row for rows in chosen.values() for row in rows], wish.most_bytes)
    return _hold(connection, held, wish) if held else []


def _within(chosen: Sequence[tuple[str, int]], most_bytes: int) -> list[str]:
    """Return the ids of the first events whose bodies fit together into `most_bytes`, the first one in any case."""
    totals = itertools.accumulate(size for _, size in chosen)
    return [
        event_id
        for place, ((event_id, _), total) in enumerate(zip(chosen, totals, strict=True))
        if total <= most_bytes or place == 0
    ]


def _waiting() -> sa.Subquery:
    """Return the active integrations behind `:after` in which events wait, each with its earliest time.

    A loose index scan (https://wiki.postgresql.org/wiki/Loose_indexscan): it costs one probe for each integration,
    however many events wait.
    """
    waits = EVENTS.c.run_at.is_not(None)
    after: sa.BindParameter[str] = sa.bindparam("after", "")
    first = sa.select(sa.func.min(EVENTS.c.integration_id).label("id")).where(waits, EVENTS.c.integration_id > after)
    chain = first.cte("chain", recursive=True)
    following = (
        sa.select(sa.func.min(EVENTS.c.integration_id)).where(waits, EVENTS.c.integration_id > chain.c.id)
    ).scalar_subquery()
    chain = chain.union_all(sa.select(following).where(chain.c.id.is_not(None)))
    earliest = (
        sa.select(sa.func.min(EVENTS.c.run_at)).where(waits, EVENTS.c.integration_id == chain.c.id)
    ).scalar_subquery()
    active = sa.and_(INTEGRATIONS.c.id == chain.c.id, INTEGRATIONS.c.status == "active")
    return sa.select(chain.c.id, earliest.label("earliest")).join(INTEGRATIONS, active).subquery()


# Built once: SQLAlchemy takes longer to put a statement together than the database to run it.
_WAITING = _waiting()
_DUE = sa.select(_WAITING.c.id).where(_WAITING.c.earliest <= sa.bindparam("now")).limit(INTEGRATIONS_AT_ONCE)
_NEXT_DUE = sa.select(sa.func.min(_WAITING.c.earliest))
_OLDEST = (
    sa.select(EVENTS.c.id, EVENTS.c.size)
    .where(
        EVENTS.c.integration_id == sa.bindparam("integration"),
        EVENTS.c.run_at <= sa.bindparam("now"),
        EVENTS.c.run_at.is_not(None),
    )
    .order_by(EVENTS.c.run_at, EVENTS.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_HOLD = bulk.ManyRows(
    "UPDATE events SET status = 'processing', run_at = NULL, waiting_for = NULL, attempt = attempt + 1, "
    "lease_token = given.column2, lease_until = given.column3, started_at = given.column4 "
    "FROM ({rows}) AS given WHERE id = given.column1",
    *(EVENTS.c[name] for name in ("id", "lease_token", "lease_until", "started_at")),
)
_HELD = bulk.ManyRows(
    "SELECT id, integration_id, type, received_at, events.run, attempt, "
    "EXISTS (SELECT 1 FROM runs WHERE runs.event_id = events.id AND runs.run = events.run), headers, body "
    "FROM ({rows}) AS given JOIN events ON id = column1 JOIN event_bodies ON event_id = column1",
    EVENTS.c.id,
)


def _in_turn(connection: sa.Connection, now: float, after: str) -> list[str]:
    """Return the integrations with something due, those behind `after` first: who comes there may have no room left."""
    due = _due_integrations(connection, now, "")
    behind = [integration_id for integration_id in due if integration_id > after]
    if len(due) == INTEGRATIONS_AT_ONCE:  # there may be more than these
        behind = _due_integrations(connection, now, after)
    return behind + [integration_id for integration_id in due if integration_id <= after]


def _due_integrations(connection: sa.Connection, now: float, after: str) -> list[str]:
    """Return integrations behind `after` that are active and have something due, in order."""
    return sorted(connection.execute(_DUE, {"now": now, "after": after}).scalars())


def _oldest(connection: sa.Connection, integration_id: str, now: float, limit: int) -> list[tuple[str, int]]:
    query = for_update(connection, _OLDEST, skip_locked=True)
    rows = connection.execute(query, {"integration": integration_id, "now": now, "most": limit})
    return [(row.id, row.size) for row in rows]


def _hold(connection: sa.Connection, chosen: Sequence[str], wish: Claim) -> list[Claimed]:
    token = secrets.token_hex(16)
    _HOLD(connection, [(event_id, token, wish.lease_until, wish.now) for event_id in chosen])
    held = {
        id: Claimed(id, integration_id, type, received_at, run, attempt, bool(planned), token, headers, body)
        for id, integration_id, type, received_at, run, attempt, planned, headers, body in _HELD(
            connection, [(event_id,) for event_id in chosen]
        )
    }
    return [held[event_id] for event_id in chosen]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended: the event's new status and when it may run again (None: not by itself)."""

    status: str
    at: float
    run_at: float | None = None
    error: str | None = None
    waiting_for: str | None = None
    counted: bool = True
    """Whether the attempt counts; one that was given back, or waits for a setting, does not."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a worker has to write about an event that it holds; all of it, or nothing when the lease is lost.

    `counts`: what goes into the metrics beside it.
    """

    event_id: str
    token: str
    lease_until: float
    run: Mapping[str, Any] | None = None
    intent: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    steps: tuple[Mapping[str, Any], ...] = ()
    lines: tuple[Mapping[str, Any], ...] = ()
    version: str | None = None
    ending: Ending | None = None
    counts: metrics.Counts = field(default_factory=dict)


def advance(connection: sa.Connection, batch: Sequence[Progress]) -> list[bool]:
    """Write each progress whose lease is still held; return which. A True renews the lease as well."""
    held = _held(connection, [(p.event_id, p.token) for p in batch])
    kept = [p for p in batch if (p.event_id, p.token) in held]
    _INSERT_RUNS(connection, [_INSERT_RUNS.pick(p.run) for p in kept if p.run is not None])
    _WRITE_RESULTS(connection, [_WRITE_RESULTS.pick(p.result) for p in kept if p.result is not None])
    _INSERT_INTENTS(connection, [_INSERT_INTENTS.pick(p.intent) for p in kept if p.intent is not None])
    _INSERT_STEPS(connection, [_INSERT_STEPS.pick(step) for p in kept for step in p.steps])
    lines = [line for p in kept for line in p.lines]
    if lines:
        logs.append(connection, lines)
    _write_events(connection, kept)
    metrics.add(connection, metrics.merged(p.counts for p in kept))
    return [(p.event_id, p.token) in held for p in batch]


def _held(connection: sa.Connection, leases: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of `leases` that are in force, their rows locked for this transaction."""
    return {(row[0], row[1]) for row in _LEASES(connection, leases)}


def _write_events(connection: sa.Connection, kept: Sequence[Progress]) -> None:
    renewals: dict[str, tuple[Any, ...]] = {}  # one for each event: which of two rows an UPDATE takes is not defined
    for p in kept:
        if p.ending is None and (p.version is not None or p.event_id not in renewals):
            renewals[p.event_id] = (p.event_id, p.lease_until, p.version)
    _RENEW(connection, list(renewals.values()))
    _END(connection, [_ended(p, p.ending) for p in kept if p.ending is not None])


def _ended(p: Progress, ending: Ending) -> tuple[Any, ...]:
    """Return what `_END` takes; its seventh value is how many attempts are taken back."""
    taken_back = 0 if ending.counted else 1
    return (
        p.event_id, ending.status, ending.run_at, ending.at, ending.error, ending.waiting_for, taken_back, p.version,
    )  # fmt: skip


def plan_of(connection: sa.Connection, event_id: str, run: int) -> tuple[str, str]:
    """Return the stored actions of a run and its references, both as JSON."""
    query = sa.select(RUNS.c.actions, RUNS.c.references).where(RUNS.c.event_id == event_id, RUNS.c.run == run)
    row = connection.execute(query).one()
    return row.actions, row.references


def reap(connection: sa.Connection, now: float, *, why: str, all_leases: bool = False) -> list[str]:
    """Give events whose lease has run out back to the queue; return their ids. The lost attempt counts.

    `why`: the error message of the step that says so (a stored text). `all_leases`: those that have not run out too.
    """
    over = EVENTS.c.lease_until.is_not(None) if all_leases else EVENTS.c.lease_until <= now
    lost = connection.execute(
        for_update(
            connection,
            sa.select(EVENTS.c.id, EVENTS.c.run, EVENTS.c.attempt, EVENTS.c.lease_until)
            .where(EVENTS.c.lease_until.is_not(None), over)
            .limit(1000),
            skip_locked=True,
        )
    ).all()
    if lost:
        connection.execute(
            sa.update(EVENTS)
            .where(EVENTS.c.id.in_([row.id for row in lost]))
            .values(status="queued", run_at=now, lease_token=None, lease_until=None)
        )
        connection.execute(
            sa.insert(STEPS),
            [
                {
                    "event_id": row.id,
                    "run": row.run,
                    "attempt": row.attempt,
                    "name": "lease",
                    "status": "error",
                    "started_at": now,
                    "duration_ms": 0.0,
                    "error_message": why,
                }
                for row in lost
            ],
        )
        announce(connection, "events")
    return [row.id for row in lost]


def release_waiting(connection: sa.Connection, now: float, *, integration_id: str | None = None) -> int:
    """Make due the events that waited for a service (all, or an integration's); return how many."""
    which: list[sa.ColumnElement[bool]] = [EVENTS.c.waiting_for.is_not(None)]
    if integration_id is not None:
        which.append(EVENTS.c.integration_id == integration_id)
    result = connection.execute(sa.update(EVENTS).where(*which).values(run_at=now, waiting_for=None))
    if result.rowcount:
        announce(connection, "events")
    return int(result.rowcount)


def next_due(connection: sa.Connection) -> float | None:
    """Return the earliest time at which any event of an active integration may run, or None when none waits."""
    found: float | None = connection.execute(_NEXT_DUE).scalar()
    return found
