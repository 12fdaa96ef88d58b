"""Reading the values that rules look at: of all integrations at once, a few at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.alerting.values import (
    GAUGES,
    LONG_WINDOW,
    WINDOW,
    Key,
    Needs,
    Values,
    events,
    extreme,
    of_gauge,
    reach,
    slot_value,
    slots_of,
    start_of,
    together,
)
from core.alerts.evaluation import Sample
from core.alerts.measures import fewest as default_fewest
from core.context import Context
from core.metrics.known import METRICS
from core.monitoring import HOURS_KEPT, MINUTES_KEPT, Monitoring
from storage import alert_values as rows
from storage import gauges, metrics

MOST_AT_ONCE = 100
"""Integrations that are read of at once."""


class Reader:
    """Reads the values of a look; keeps what was read of long times for a while, for it changes slowly.

    It reads of a few integrations at a time, so that neither the event loop nor a connection is held for long.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._kept: dict[Key, _Aggregate] = {}

    async def read(self, wanted: Needs, known: Mapping[str, rows.Known], *, fewest: int) -> Values:
        """Return what `wanted` names. `fewest`: the most events that any rule asks for."""
        now = self._ctx.clock.now()
        values = Values(
            now, known, uncounted=frozenset(one.id for one in known.values() if not _counted(one.monitoring))
        )
        counted = {METRICS[name]: owners for name, owners in wanted.metrics.items() if name not in GAUGES}
        names = {name for metric in counted for name in metric.names}
        values.short = await self._counts(names, WINDOW, now, frozenset().union(*counted.values()))
        careful = {metric: owners for metric, owners in counted.items() if default_fewest(metric.name)}
        few = {
            one
            for metric, owners in careful.items()
            for one in owners
            if events(metric, values.short.get(one, {})) < fewest
        }
        names = {name for metric in careful for name in metric.names}
        values.long = await self._counts(names, LONG_WINDOW, now, few)
        if any(name in wanted.metrics for name in GAUGES):
            values.waiting = await self._ctx.db.read(metrics.waiting)
        for part in _parts(wanted.silence):
            values.last = {**values.last, **await self._ctx.db.read(rows.last_events, part)}
        values.aggregates = {
            key: await self._aggregate(key, owners, known, now) for key, owners in sorted(wanted.aggregates.items())
        }
        self._kept = {key: kept for key, kept in self._kept.items() if key in wanted.aggregates}
        return values

    async def _counts(self, names: set[str], window: int, now: float, owners: Collection[str]) -> rows.Counts:
        found: rows.Counts = {}
        for part in _parts(owners):
            read = await self._ctx.db.read(rows.counts, names, start=start_of(now, window), end=now + 1, only=part)
            found |= read.get(0, {})
        return found

    async def _aggregate(
        self, key: Key, owners: frozenset[str], known: Mapping[str, rows.Known], now: float
    ) -> Mapping[str, Sample]:
        kept = self._kept.get(key)
        fresh = max(metrics.MINUTE / 2, key[2] / 100)
        if kept is not None and kept.at <= now < kept.at + fresh and owners <= kept.owners:
            return kept.samples
        made: dict[str, Sample] = {}
        for part in _parts(owners):
            made |= await self._some(key, part, known, now)
        self._kept[key] = _Aggregate(now, owners, made)
        return made

    async def _some(
        self, key: Key, owners: Sequence[str], known: Mapping[str, rows.Known], now: float
    ) -> dict[str, Sample]:
        function, name, seconds = key
        start, read = start_of(now, seconds), self._ctx.db.read
        kept = rows.Kept(now - MINUTES_KEPT, now - HOURS_KEPT)
        long = {one: reach(known[one].monitoring, seconds) if one in known else seconds for one in owners}
        if name in GAUGES:
            found = await read(gauges.over, name, start=start, end=now + 1, only=owners, kept=kept)
            return {one: of_gauge(function, gauge, long[one]) for one, gauge in found.items()}
        names = set(METRICS[name].names)
        if function not in ("min", "max"):
            whole = await read(rows.counts, names, start=start, end=now + 1, only=owners, kept=kept)
            return {one: together(function, name, counts, long[one]) for one, counts in whole.get(0, {}).items()}
        slots = slots_of(now, seconds)
        counted = await read(
            rows.counts, names, start=slots.start, end=now + 1, step=slots.step, only=owners, kept=kept
        )  # fmt: skip
        values: dict[str, dict[int, float | None]] = defaultdict(dict)
        for slot, counts in counted.items():
            for one, mine in counts.items():
                values[one][slot] = slot_value(name, mine, slots.step)
        return {one: extreme(function, name, mine, slots.since(now - long[one])) for one, mine in values.items()}


@dataclass(frozen=True, slots=True)
class _Aggregate:
    """What was read of a long time, when, and of which integrations."""

    at: float
    owners: frozenset[str]
    samples: Mapping[str, Sample]


def _parts(owners: Collection[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(owners)
    return (ordered[at : at + MOST_AT_ONCE] for at in range(0, len(ordered), MOST_AT_ONCE))


@lru_cache(maxsize=1000)
def _counted(monitoring: str) -> bool:
    return Monitoring.model_validate_json(monitoring).metrics_enabled
