"""Running stored events again, and setting them aside: which are meant, what becomes of them, how a job goes on."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa

from storage import audit, jobs
from storage.dialect import announce, for_update
from storage.event_list import TROUBLES
from storage.events import EFFECTS, EVENTS, RUNS, STEPS, TROUBLED
from storage.jobs import ITEMS, Job

UNDER_WAY = ("queued", "processing")
_RESTORED = ("status", "run", "attempt", "run_at", "started_at", "finished_at", "error", "waiting_for")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events of an integration are meant: every condition that is there holds.

    `handled`: the types of `skipped` events that its package now handles; others of these are not meant (None: any
    type). `first` and
    `before` are bounds of the id (the first one belongs to it). `error`: the short error of the last attempt, exactly.
    """

    integration_id: str
    statuses: tuple[str, ...]
    types: tuple[str, ...] | None = None
    handled: tuple[str, ...] | None = ()
    first: str | None = None
    before: str | None = None
    event_ids: tuple[str, ...] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One event that is meant: how many of its run's effects are done, of how many (None: not planned yet)."""

    event_id: str
    type: str
    status: str
    effects_done: int
    effects: int | None


@dataclass(frozen=True, slots=True)
class Piece:
    """The next piece of a job: the events to take up, and whether there are none behind them."""

    selection: Selection
    chosen: tuple[str, ...]
    exhausted: bool
    now: float
    run_at: float
    """When the piece after this one is due."""
    step: Mapping[str, Any]
    """What the events' traces say of it: `name`, `status`, `detail`."""
    again: bool = False
    error: str | None = None
    """What the job waits for, as JSON."""


EXHAUSTED = "-"
"""In place of a cursor: no event is left to be taken up."""


def count(connection: sa.Connection, selection: Selection) -> list[tuple[str, str, int]]:
    """Return how many events are meant, by status and type."""
    found: list[tuple[str, str, int]] = []
    for part in _parts(selection):
        query = sa.select(EVENTS.c.status, EVENTS.c.type, sa.func.count()).where(*part)
        rows = connection.execute(query.group_by(EVENTS.c.status, EVENTS.c.type))
        found += [(row[0], row[1], row[2]) for row in rows]
    return found


def effects_done(connection: sa.Connection, selection: Selection) -> int:
    """Return how many effects the ledger holds as done in the present runs of the events that are meant."""
    total = 0
    for part in _parts(selection):
        of_run = sa.and_(EFFECTS.c.event_id == EVENTS.c.id, EFFECTS.c.run == EVENTS.c.run)
        query = sa.select(sa.func.count()).select_from(EVENTS.join(EFFECTS, of_run))
        total += connection.execute(query.where(*part, EFFECTS.c.result_at.is_not(None))).scalar_one()
    return total


def sample(connection: sa.Connection, selection: Selection, *, limit: int) -> list[Sample]:
    """Return the oldest of the events that are meant."""
    ids = candidates(connection, selection, after="", limit=limit)
    done = (
        sa.select(sa.func.count())
        .where(EFFECTS.c.event_id == EVENTS.c.id, EFFECTS.c.run == EVENTS.c.run, EFFECTS.c.result_at.is_not(None))
        .scalar_subquery()
    )
    planned = (
        sa.select(RUNS.c.actions).where(RUNS.c.event_id == EVENTS.c.id, RUNS.c.run == EVENTS.c.run).scalar_subquery()
    )
    columns = (EVENTS.c.id, EVENTS.c.type, EVENTS.c.status, done.label("done"), planned.label("actions"))
    rows = connection.execute(sa.select(*columns).where(EVENTS.c.id.in_(ids)).order_by(EVENTS.c.id))
    return [
        Sample(row.id, row.type, row.status, row.done, len(orjson.loads(row.actions)) if row.actions else None)
        for row in rows
    ]


def known(connection: sa.Connection, integration_id: str, event_ids: Sequence[str]) -> set[str]:
    """Return those of `event_ids` that are events of the integration."""
    mine = (EVENTS.c.integration_id == integration_id, EVENTS.c.id.in_(event_ids))
    return set(connection.execute(sa.select(EVENTS.c.id).where(*mine)).scalars())


def candidates(connection: sa.Connection, selection: Selection, *, after: str, limit: int) -> list[str]:
    """Return the ids of the oldest events behind `after` that are meant."""
    found: list[list[str]] = []
    for part in _parts(selection):
        query = sa.select(EVENTS.c.id).where(*part, EVENTS.c.id > after).order_by(EVENTS.c.id).limit(limit)
        found.append(list(connection.execute(query).scalars()))
    return list(islice(heapq.merge(*found), limit))


def requeue(
    connection: sa.Connection, selection: Selection, chosen: Sequence[str], *, again: bool, now: float,
    step: Mapping[str, Any],
) -> list[tuple[str, str]]:  # fmt: skip
    """Put those of `chosen` that are still meant back into the queue; return their ids with what they were (JSON).

    All their attempts are theirs again. `again`: in a new run, whose ledger is empty; else in the run that they had.
    """
    rows = _lock(connection, selection, chosen)
    if rows:
        connection.execute(
            sa.update(EVENTS)
            .where(EVENTS.c.id.in_([row["id"] for row in rows]))
            .values(
                status="queued",
                run=EVENTS.c.run + (1 if again else 0),
                attempt=0,
                run_at=now,
                started_at=None,
                finished_at=None,
                error=None,
                waiting_for=None,
            )
        )
        _write_steps(connection, [(row["id"], row["run"] + (1 if again else 0)) for row in rows], step, now)
        announce(connection, "events")
    return [(row["id"], orjson.dumps({name: row[name] for name in _RESTORED}).decode()) for row in rows]


def discard(
    connection: sa.Connection, selection: Selection, chosen: Sequence[str], *, now: float, step: Mapping[str, Any]
) -> int:
    """Set those of `chosen` that are still meant aside for good; return how many. What failed stays readable."""
    rows = _lock(connection, selection, chosen)
    if rows:
        connection.execute(
            sa.update(EVENTS)
            .where(EVENTS.c.id.in_([row["id"] for row in rows]))
            .values(status="discarded", run_at=None, waiting_for=None, finished_at=now)
        )
        _write_steps(connection, [(row["id"], row["run"]) for row in rows], step, now)
    return len(rows)


def requeue_one(
    connection: sa.Connection, selection: Selection, event_id: str, *, again: bool, now: float,
    step: Mapping[str, Any], entry: Mapping[str, Any],
) -> bool:  # fmt: skip
    """Put one event back into the queue, with the audit's `entry`; return False when it is not meant any more."""
    taken = requeue(connection, selection, [event_id], again=again, now=now, step=step)
    if taken:
        audit.add(connection, entry)
    return bool(taken)


def advance_replay(connection: sa.Connection, job: Job, piece: Piece) -> bool:
    """Count what has ended, take up what was chosen; return False when the job was written since it was read."""
    if not jobs.save(connection, job, {"updated_at": piece.now, "run_at": piece.run_at, "error": piece.error}):
        return False
    ended = _settle(connection, job.id)
    taken = requeue(connection, piece.selection, piece.chosen, again=piece.again, now=piece.now, step=piece.step)
    jobs.take_up(connection, job.id, taken)
    values = {
        "started": job.started + len(taken) - ended["skipped"],
        "succeeded": job.succeeded + ended["succeeded"],
        "failed": job.failed + ended["failed"],
        "skipped": job.skipped + ended["skipped"] + len(piece.chosen) - len(taken),
    }
    under_way = jobs.outstanding(connection, job_id=job.id)
    _go_on(connection, job, piece, values, ended=under_way == 0)
    return True


def advance_discard(connection: sa.Connection, job: Job, piece: Piece) -> bool:
    """Discard what was chosen; return False when the job was written since it was read."""
    if not jobs.save(connection, job, {"updated_at": piece.now, "run_at": piece.run_at, "error": piece.error}):
        return False
    done = discard(connection, piece.selection, piece.chosen, now=piece.now, step=piece.step)
    values = {
        "started": job.started + done,
        "succeeded": job.succeeded + done,
        "skipped": job.skipped + len(piece.chosen) - done,
    }
    _go_on(connection, job, piece, values, ended=True)
    return True


def put_back(connection: sa.Connection, job: Job, now: float, *, step: Mapping[str, Any]) -> int:
    """Make the job's events that no worker has begun what they were before; return how many. `step`: see `Piece`."""
    not_begun = (EVENTS.c.status == "queued", EVENTS.c.started_at.is_(None))
    query = (
        sa.select(EVENTS.c.id, EVENTS.c.run, ITEMS.c.before)
        .join(ITEMS, ITEMS.c.item == EVENTS.c.id)
        .where(ITEMS.c.job_id == job.id, *not_begun)
        .order_by(EVENTS.c.id)
    )
    rows = connection.execute(for_update(connection, query)).all()
    for row in rows:
        connection.execute(sa.update(EVENTS).where(EVENTS.c.id == row.id).values(**orjson.loads(row.before)))
    _write_steps(connection, [(row.id, orjson.loads(row.before)["run"]) for row in rows], step, now)
    jobs.let_go(connection, job.id, [row.id for row in rows])
    return len(rows)


def _go_on(connection: sa.Connection, job: Job, piece: Piece, values: dict[str, Any], *, ended: bool) -> None:
    """Write the job's counts, and that it is over when nothing is left to take up and nothing is under way."""
    cursor = EXHAUSTED if piece.exhausted else (piece.chosen[-1] if piece.chosen else job.cursor)
    values |= {"cursor": cursor, "total": max(job.total, values["started"] + values["skipped"])}
    if ended and job.status == "cancelled":
        values |= {"finished_at": piece.now}
    elif ended and piece.exhausted:
        counted = values["succeeded"] + values.get("failed", job.failed)
        values |= {"finished_at": piece.now, "status": "succeeded", "skipped": values["total"] - counted}
    jobs.record(connection, job.id, values)


def _settle(connection: sa.Connection, job_id: str) -> dict[str, int]:
    """Count and forget the job's events that have ended (or are gone)."""
    rows = connection.execute(
        sa.select(ITEMS.c.item, EVENTS.c.status)
        .join(EVENTS, EVENTS.c.id == ITEMS.c.item, isouter=True)
        .where(ITEMS.c.job_id == job_id)
    ).all()
    ended = {row.item: row.status for row in rows if row.status not in UNDER_WAY}
    jobs.let_go(connection, job_id, list(ended))
    kinds = {"succeeded": "succeeded", "failed": "failed", "dead": "failed"}
    found = {"succeeded": 0, "failed": 0, "skipped": 0}
    for status in ended.values():
        found[kinds.get(status or "", "skipped")] += 1
    return found


def _lock(connection: sa.Connection, selection: Selection, chosen: Sequence[str]) -> list[sa.RowMapping]:
    """Return those of `chosen` that are still meant, their rows locked for this transaction."""
    if not chosen:
        return []
    columns = (EVENTS.c[name] for name in ("id", *_RESTORED))
    query = sa.select(*columns).where(*_conditions(selection), EVENTS.c.id.in_(chosen)).order_by(EVENTS.c.id)
    return list(connection.execute(for_update(connection, query)).mappings())


def _write_steps(
    connection: sa.Connection, events: Sequence[tuple[str, int]], step: Mapping[str, Any], now: float
) -> None:
    if events:
        common = {"attempt": 0, "started_at": now, "duration_ms": 0.0, **step}
        connection.execute(sa.insert(STEPS), [{"event_id": e, "run": run, **common} for e, run in events])


def _parts(selection: Selection) -> list[list[Any]]:
    """Return conditions that together choose what is meant, each walking one index in the ids' order.

    The statuses of `TROUBLED` are few among many events, and are found one at a time by their index.
    """
    rest = tuple(status for status in selection.statuses if status not in TROUBLES)
    parts = [
        [sa.text(TROUBLED), *_conditions(selection, (status,))] for status in TROUBLES if status in selection.statuses
    ]
    return [*parts, _conditions(selection, rest)] if rest else parts


def _conditions(selection: Selection, statuses: tuple[str, ...] | None = None) -> list[Any]:
    wanted = selection.statuses if statuses is None else statuses
    plain = [status for status in wanted if status != "skipped"]
    status: Any = EVENTS.c.status == plain[0] if len(plain) == 1 else EVENTS.c.status.in_(plain)
    if "skipped" in wanted:
        handled = EVENTS.c.type.in_(selection.handled) if selection.handled is not None else sa.true()
        status = sa.or_(status, sa.and_(EVENTS.c.status == "skipped", handled))
    conditions: list[Any] = [EVENTS.c.integration_id == selection.integration_id, status]
    if selection.types is not None:
        conditions.append(EVENTS.c.type.in_(selection.types))
    if selection.first is not None:
        conditions.append(EVENTS.c.id >= selection.first)
    if selection.before is not None:
        conditions.append(EVENTS.c.id < selection.before)
    if selection.event_ids is not None:
        conditions.append(EVENTS.c.id.in_(selection.event_ids))
    if selection.error is not None:
        beginning = '{"error":' + orjson.dumps(selection.error).decode() + ","
        conditions.append(sa.func.substr(EVENTS.c.error, 1, len(beginning)) == beginning)
    return conditions
