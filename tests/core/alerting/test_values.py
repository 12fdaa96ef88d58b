"""What rules look at: minutes, hours and days say the same; causes, costs, deliveries and the sandbox are there."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import auth, integrations
from core.alerting.past import Past, Replay
from core.alerting.preview import preview
from core.alerting.reader import Reader
from core.alerting.values import needs, slots_of
from core.alerts.evaluation import Sample
from core.alerts.language import parse
from core.metrics import rollup
from storage import alert_values as rows
from storage import calls, gauges, metrics
from storage import rollup as hours
from storage.metrics import METRICS
from storage.rollup import DAY, HOUR, ROLLED, Piece, split
from tests.core.alerting.house import House

LONG_AGO = 40 * DAY


async def spent(house: House, integration_id: str, cost: float, *, ago: float = 0.0) -> None:
    """Let a call of Claude's have cost so much."""
    at = house.clock.now() - ago
    row: dict[str, Any] = {
        "id": f"call_{at}_{cost}",
        "request_id": integration_id,
        "version": 1,
        "at": at,
        "person": "ann",
    }
    await house.ctx.db.write(calls.reserve, {**row, "cost": cost, "input_cost": cost})
    await house.ctx.db.write(calls.settle, row["id"], cost=cost, estimated=False)


async def values(house: House, integration_id: str, *measures: str) -> list[float | None]:
    """Return what a rule would compare now."""
    conditions = [parse(f"{measure} >= {0 if unit == '' else unit}") for measure, unit in map(_with_unit, measures)]
    known = await house.ctx.db.read(rows.integrations)
    read = await Reader(house.ctx).read(needs((integration_id, one) for one in conditions), known, fewest=1)
    of = read.of(integration_id, status_before=None)
    return [_asked(of, condition).value for condition in conditions]


def _with_unit(measure: str) -> tuple[str, str]:
    units = {"error_rate": "0%", "latency": "0ms", "sandbox_time": "0ms", "claude_cost": "0 USD"}
    return measure, next((unit for name, unit in units.items() if name in measure), "0")


def _asked(of: Any, condition: Any) -> Sample:
    left = condition.left
    if hasattr(left, "function"):
        return Sample(of.aggregate(left.function, left.metric, left.seconds).value)
    return Sample(of.metric(left.name, fewest=1).value)


async def test_long_times_are_read_from_hours_and_days(house: House) -> None:
    """Of 30 days the minutes are gone: what is left of them is in the hours and days."""
    forward, other = await house.install(), await house.install(slug="other")
    house.clock.move(LONG_AGO)
    now = house.clock.now()
    counts: metrics.Counts = {}
    for ago, failed in ((1, 5), (26, 10), (20 * 24, 20), (29 * 24 - 2, 40)):
        at = now - ago * HOUR
        metrics.count(counts, forward, at, "succeeded", by=100 - failed)
        metrics.count(counts, forward, at, "dead", by=failed)
        metrics.count(counts, forward, at, "rejected:old", by=1)
        metrics.count(counts, other, at, "dead", by=1000)
    await house.ctx.db.write(metrics.add, counts)
    asked = (
        "avg(error_rate, 30d)", "sum(failed, 30d)", "sum(rejected_signature, 30d)", "max(error_rate, 30d)",
        "min(error_rate, 30d)", "sum(failed, 2d)", "max(failed, 2d)", "min(failed, 30d)", "sum(failed, 90m)",
    )  # fmt: skip
    before = await values(house, forward, *asked)
    assert before[:3] == [18.75, 75.0, 4.0] and before[3:6] == [40.0, 5.0, 15.0]
    assert before[6] == pytest.approx(10 * 300 / HOUR) and before[7:] == [0.0, 5.0]
    await rollup.roll(house.ctx)
    assert await values(house, forward, *asked) == before
    await house.ctx.db.write(lambda c: c.execute(METRICS.delete().where(METRICS.c.minute < now - 8 * DAY)))
    assert await values(house, forward, *asked) == before, "the minutes of before are not needed any more"


async def rolled_up(house: House) -> None:
    """Roll up all hours that are over, in few pieces."""
    await house.ctx.db.write(hours.advance, hours.floor(house.clock.now(), HOUR))
    await rollup.roll_late(house.ctx)


async def test_what_stood_in_the_queue_is_known_beyond_its_minutes(house: House) -> None:
    """Of 30 days the average is that of all minutes: those without a sample are 0."""
    forward, other = await house.install(), await house.install(slug="other")
    house.clock.move(LONG_AGO)
    now = metrics.minute_of(house.clock.now()) // DAY * DAY + 30
    house.clock.move(now - house.clock.now())
    counts: metrics.Counts = {}
    for ago in range(1, 30 * 24):  # of each four hours one of 40 and one of 10; ten days ago it was twice as much
        for minute in range(0, 60, 15):
            if depth := {0: 40, 1: 10}.get(ago % 4):
                by = depth * (2 if ago >= 10 * 24 else 1)
                metrics.count(counts, forward, now - ago * HOUR - minute * 60, "queue_depth", by=by)
    for minute in range(20 * 60):
        metrics.count(counts, other, now - minute * 60, "queue_depth", by=7 + minute % 2)
    await house.ctx.db.write(metrics.add, counts)
    asked = [f"{function}(queue_depth, {span})" for span in ("30d", "5d", "3h") for function in ("avg", "min", "max")]
    day = 12.5 * 4 / 60
    exact = [pytest.approx(day * 5 / 3, rel=0.04), 0, 80, pytest.approx(day, rel=0.04), 0, 40]
    before = await values(house, forward, *asked)
    assert before[:6] == exact
    long = ("min(queue_depth, 18h)", "min(queue_depth, 2d)", "avg(queue_depth, 30d)", "sum(queue_depth, 30d)")
    of_other = [7, 0, pytest.approx(7.5 * 20 / 720, rel=0.04), 7.5 * 20 * 60]
    assert await values(house, other, *long) == of_other
    await rolled_up(house)
    assert await values(house, forward, *asked) == pytest.approx(before, rel=0.02)
    assert await values(house, other, *long) == of_other
    await house.ctx.db.write(lambda c: c.execute(METRICS.delete().where(METRICS.c.minute < now - 8 * DAY)))
    assert await values(house, forward, *asked) == pytest.approx(before, rel=0.02), (
        "the minutes of before are not needed any more"
    )
    parts = ["queue_depth:total", "queue_depth:samples", "queue_depth:least"]
    older = (ROLLED.c.name.in_(parts), ROLLED.c.start < now - 10 * DAY)
    await house.ctx.db.write(lambda c: c.execute(ROLLED.delete().where(*older)))
    now_known = await values(house, forward, *asked)
    assert now_known == pytest.approx([day, *before[1:]], rel=0.04), "what an older version rolled up is left out"


async def test_an_average_is_over_what_is_kept(house: House) -> None:
    """Of a week's metrics, an average over a month is that of the week."""
    forward = await house.install()
    await integrations.monitor(house.ctx, forward, {"metrics_retention": "7d"}, actor=auth.SYSTEM)
    house.clock.move(LONG_AGO)
    now = house.clock.now()
    counts: metrics.Counts = {}
    for ago in range(7 * 24):
        metrics.count(counts, forward, now - ago * HOUR, "received", by=1200)
        metrics.count(counts, forward, now - ago * HOUR, "queue_depth", by=60)
    await house.ctx.db.write(metrics.add, counts)
    await rolled_up(house)
    found = await values(house, forward, "avg(received, 30d)", "avg(queue_depth, 30d)", "min(received, 30d)")
    assert found[:2] == [pytest.approx(100, rel=0.02), pytest.approx(1, rel=0.02)] and found[2] == 100


async def test_causes_costs_deliveries_and_the_sandbox(house: House) -> None:
    forward = await house.install()
    await house.count(forward, **{"rejected:old": 2, "rejected:inactive": 1, "deliveries_5xx": 3, "sandbox_ms": 1500})
    await spent(house, forward, 0.5)
    await spent(house, forward, 2.0, ago=20 * DAY)
    asked = (
        "rejected_signature", "rejected_inactive", "rejected", "webhook_failures", "deliveries_5xx", "deliveries_2xx",
        "sandbox_time", "claude_cost", "sum(claude_cost, 30d)", "avg(sandbox_time, 10m)", "max(claude_cost, 30d)",
    )  # fmt: skip
    found = await values(house, forward, *asked)
    assert found[:9] == [2, 1, 3, 3, 3, 0, 1500, 0.5, 2.5] and found[9] == 750
    assert found[10] == pytest.approx(2.0 * 300 / (12 * HOUR), rel=1e-3)
    # In the preview they are the same.
    for condition in ("rejected_signature >= 2", "deliveries_5xx > 2", "sandbox_time > 1s", "claude_cost > 0.4 USD",
                      "sum(claude_cost, 30d) > 2.4 USD", "webhook_failures > 2"):  # fmt: skip
        house.clock.move(60)
        played = await preview(
            house.ctx, forward, condition=condition, resolve_condition=None, min_samples=None,
            start=house.clock.now() - HOUR,
        )  # fmt: skip
        assert len(played.fired) == 1, condition
    await house.rules(forward, {"name": "Cost", "condition": "claude_cost > 0.4 USD"})
    house.clock.move(-360)
    await house.look()
    assert await house.state("Cost") == "firing"


async def test_what_is_played_is_what_a_look_would_have_seen(quick_house: House) -> None:
    """At the last minute of the past, the replay and the reader say the same of everything."""
    house = quick_house
    forward = await house.install()
    house.clock.move(10 * DAY)
    now = metrics.minute_of(house.clock.now())
    counts: metrics.Counts = {}
    for minute in range(1, 3000):
        metrics.count(counts, forward, now - minute * 60, "received", by=minute % 7)
        metrics.count(counts, forward, now - minute * 60, "succeeded", by=minute % 7)
        if minute % 50 < 3:
            metrics.count(counts, forward, now - minute * 60, "dead", by=minute % 11)
        metrics.count(counts, forward, now - minute * 60, "latency_ms", bucket=minute % 40, by=2)
        if minute % 100 < 5:
            metrics.count(counts, forward, now - minute * 60, "queue_depth", by=minute % 9)
    await house.ctx.db.write(metrics.add, counts)
    asked = (
        "error_rate", "latency_p95", "received", "avg(error_rate, 1d)", "max(latency_p95, 5h)", "min(received, 1h)",
        "max(failed, 40h)", "sum(received, 30d)", "max(queue_depth, 1d)", "avg(queue_depth, 3h)", "min(error_rate, 2h)",
    )  # fmt: skip
    house.clock.move(now - house.clock.now() - 1)  # the last second of the last minute
    seen = await values(house, forward, *asked)
    conditions = [parse(f"{measure} >= {unit}") for measure, unit in map(_with_unit, asked)]
    wanted = needs((forward, one) for one in conditions)
    everything = [Piece(60, now - 9 * DAY, now)]
    names = ["received", "succeeded", "dead", "retried", "latency_ms"]
    known = (await house.ctx.db.read(rows.integrations))[forward]
    cells = await house.ctx.db.read(rows.rows_of, forward, names, everything)
    samples = {"queue_depth": await house.ctx.db.read(gauges.rows_of, forward, "queue_depth", everything)}
    replay = Replay(Past(known, False, cells, samples, [], now - DAY, now - 9 * DAY), wanted)
    for minute in range(now - 60 * 60, now, 60):
        last = replay.minute(minute)
    of = last.of(forward, status_before=None)
    assert [_asked(of, condition).value for condition in conditions] == pytest.approx(seen)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 99))
def test_of_an_even_past_hours_say_what_minutes_say(good: int, bad: int, depth: int) -> None:
    asked = [
        *("error_rate", "latency_p95", "received", "failed", "events_per_minute", "queue_depth"),
        *(f"{function}({metric}, {span})" for span in ("10m", "1h", "3h") for function in ("avg", "min", "max")
          for metric in ("error_rate", "failed", "queue_depth")),
        *(f"sum({metric}, {span})" for span in ("10m", "3h") for metric in ("received", "queue_depth")),
    ]  # fmt: skip
    conditions = [parse(f"{measure} >= {unit}") for measure, unit in map(_with_unit, asked)]
    wanted = needs(("a", one) for one in conditions)
    known, end = rows.Known("a", "a", "A", "active", "{}", 0.0), 4 * HOUR
    each = {"received": good + bad, "succeeded": good, "dead": bad, "latency_ms": good + bad}

    def seen(seconds: int) -> list[float | None]:
        many = seconds // 60
        cells = [rows.Cell(at, seconds, name, 7 * (name == "latency_ms"), float(count * many))
                 for at in range(0, end, seconds) for name, count in each.items() if count]  # fmt: skip
        samples = [gauges.Sampled(at, seconds, depth, depth * many, depth, many) for at in range(0, end, seconds)]
        past = Past(known, False, cells, {"queue_depth": samples}, [], 0, 0 if seconds == 60 else end)
        replay = Replay(past, wanted)
        values = replay.minute(end - 60) if seconds == 60 else replay.hour(end - HOUR)
        return [_asked(values.of("a", status_before=None), one).value for one in conditions]

    assert seen(HOUR) == pytest.approx(seen(60))


@pytest.mark.parametrize(
    ("start", "end", "rolled", "pieces"),
    [
        (97 * DAY + 120, 100 * DAY + 5 * HOUR + 125, 100 * DAY + 5 * HOUR, [60, HOUR, DAY, HOUR, 60]),
        (98 * DAY + 1800, 98 * DAY + 5 * HOUR + 60, 98 * DAY + 3 * HOUR, [60, HOUR, 60]),
        (98 * DAY + 1800, 98 * DAY + 5 * HOUR, 0, [60]),
        (50 * DAY + HOUR + 120, 100 * DAY, 100 * DAY, [HOUR, DAY]),
        (5 * DAY + 120, 100 * DAY, 100 * DAY, [DAY]),
    ],
)
def test_a_range_is_read_from_the_longest_rows(start: int, end: int, rolled: int, pieces: list[int]) -> None:
    found = split(start, end, rolled=rolled, minutes_from=92 * DAY, hours_from=8 * DAY)
    assert [piece.seconds for piece in found] == pieces
    assert found[0].start <= start and found[-1].end == end
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert all(piece.start % piece.seconds == piece.end % piece.seconds == 0 for piece in found if piece.seconds > 60)
    assert isinstance(found[0], Piece)


@pytest.mark.parametrize("seconds", [60, 300, HOUR, 5 * HOUR, DAY, 3 * DAY, 30 * DAY, 366 * DAY])
def test_slots_are_few_and_of_whole_hours_where_they_are_long(seconds: int) -> None:
    now = 1_764_000_031.0
    slots = slots_of(now, seconds)
    assert slots.whole <= 60 and now - slots.start <= seconds + 60
    assert slots.step < HOUR or slots.start % (DAY if slots.step % DAY == 0 else HOUR) == 0
