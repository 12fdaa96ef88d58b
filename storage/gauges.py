"""Samples of gauges over long times: of minutes, and of hours and days where those hold whole ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from storage.alert_values import EVERYTHING, Kept, pieces
from storage.metrics import METRICS, MINUTE
from storage.rollup import LEAST, ROLLED, SAMPLES, TOTAL, Piece


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge's samples over a range: taken once a minute wherever something waits."""

    total: float
    highest: float
    lowest: float
    samples: int
    unknown: int = 0
    """Seconds of which nothing but the highest is known: a version before rolled them up."""


class Sampled(NamedTuple):
    """What one row of `seconds` from `start` on holds of a gauge. `samples` None: nothing but the highest is known."""

    start: int
    seconds: int
    highest: float
    total: float
    lowest: float
    samples: int | None


def over(
    connection: sa.Connection, name: str, *, start: int, end: float, only: Collection[str], kept: Kept = EVERYTHING
) -> dict[str, Gauge]:
    """Return a gauge's samples over a range, by integration."""
    found: dict[str, list[Gauge]] = defaultdict(list)
    for piece in pieces(connection, start, end, None, kept):
        if piece.seconds == MINUTE:
            for owner, *minutes in connection.execute(_minutes_together(name, piece, only)):
                found[owner].append(Gauge(*minutes))
        else:
            for owner, row in _rows(connection, name, piece, only):
                found[owner].append(of_row(row))
    return {owner: together(parts) for owner, parts in found.items()}


def _minutes_together(name: str, piece: Piece, only: Collection[str]) -> sa.Select[Any]:
    value = METRICS.c.value
    columns = (sa.func.sum(value), sa.func.max(value), sa.func.min(value), sa.func.count())
    return _minutes(name, piece, only, *columns).group_by(METRICS.c.integration_id)


def _minutes(name: str, piece: Piece, only: Collection[str], *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    query = sa.select(METRICS.c.integration_id, *columns)
    of = (METRICS.c.integration_id.in_(list(only)), METRICS.c.name == name)
    return query.where(*of, METRICS.c.minute >= piece.start, METRICS.c.minute < piece.end)


def rows_of(connection: sa.Connection, integration_id: str, name: str, parts: Sequence[Piece]) -> list[Sampled]:
    """Return a gauge's samples of one integration row by row, the oldest first."""
    return [row for piece in parts for _, row in _rows(connection, name, piece, [integration_id])]


def together(parts: Iterable[Gauge]) -> Gauge:
    """Return what is known of parts of a range as one. Pure."""
    total, highest, lowest, samples, unknown = 0.0, 0.0, float("inf"), 0, 0
    for part in parts:
        total, samples, unknown = total + part.total, samples + part.samples, unknown + part.unknown
        highest, lowest = max(highest, part.highest), min(lowest, part.lowest if part.samples else float("inf"))
    return Gauge(total, highest, lowest if samples else 0.0, samples, unknown)


def of_row(row: Sampled) -> Gauge:
    """Return what one row says."""
    if row.samples is None:
        return Gauge(0.0, row.highest, 0.0, 0, row.seconds)
    return Gauge(row.total, row.highest, row.lowest, row.samples)


def _rows(connection: sa.Connection, name: str, piece: Piece, only: Collection[str]) -> Iterator[tuple[str, Sampled]]:
    if piece.seconds == MINUTE:
        query = _minutes(name, piece, only, METRICS.c.minute, METRICS.c.value).order_by(METRICS.c.minute)
        for owner, at, value in connection.execute(query):
            yield owner, Sampled(at, MINUTE, value, value, value, 1)
        return
    parts = (name, name + TOTAL, name + SAMPLES, name + LEAST)
    level = sa.select(ROLLED.c.integration_id, ROLLED.c.start, ROLLED.c.name, ROLLED.c.value).where(
        ROLLED.c.integration_id.in_(list(only)), ROLLED.c.seconds == piece.seconds, ROLLED.c.start >= piece.start,
        ROLLED.c.start < piece.end, ROLLED.c.name.in_(parts),
    )  # fmt: skip
    held: dict[tuple[int, str], dict[str, Any]] = defaultdict(dict)
    for owner, at, part, value in connection.execute(level.order_by(ROLLED.c.start)):
        held[at, owner][part] = value
    for (at, owner), row in held.items():
        samples = row.get(name + SAMPLES)
        count = None if samples is None else round(samples)
        highest, total, least = (row.get(part, 0.0) for part in (name, name + TOTAL, name + LEAST))
        yield owner, Sampled(at, piece.seconds, highest, total, least, count)
