"""When the next backup is due, and how old the newest is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core.backups import State, age, late, next_at, state
from storage import backups as rows
from storage.backups import Backup
from storage.db import Database
from tests.contexts import MovableClock, context

DAY, HOUR = 86_400.0, 3600.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def made(moment: float) -> Backup:
    return Backup(
        id="bak_1", kind="sqlite", status="succeeded", asked_at=moment, actor_kind="system", actor_id="", actor_name="",
        made_at=moment, finished_at=moment + 10,
    )  # fmt: skip


def failed(moment: float) -> Backup:
    return made(moment).model_copy(update={"status": "failed", "made_at": None, "finished_at": moment})


NONE = State(None, None, None, since=0.0)


def test_daily_at_three_whatever_comes_in_between() -> None:
    now = at("2026-11-24T15:00:00")
    assert next_at(NONE, every=DAY, now=now) <= now, "the first one at once"
    by_hand = replace(NONE, newest=made(at("2026-11-24T14:00:00")))
    assert next_at(by_hand, every=DAY, now=now) == at("2026-11-25T03:00:00")
    missed = replace(NONE, newest=made(at("2026-11-23T03:00:00")))
    assert next_at(missed, every=DAY, now=now) <= now, "it was not running at three"
    assert next_at(missed, every=6 * HOUR, now=now) <= now
    assert next_at(by_hand, every=6 * HOUR, now=now) == at("2026-11-24T15:00:00")


def test_after_a_failure_again_in_an_hour() -> None:
    now = at("2026-11-24T03:30:00")
    found = State(made(at("2026-11-23T03:00:00")), failed(at("2026-11-24T03:00:05")), None, 0.0)
    assert next_at(found, every=DAY, now=now) == at("2026-11-24T04:00:05")
    assert next_at(found, every=HOUR, now=now) == at("2026-11-24T04:00:00")


@given(st.floats(0, 4e9), st.floats(0, 4e9), st.sampled_from([HOUR, 6 * HOUR, DAY, 30 * DAY]))
def test_it_is_never_further_away_than_an_interval(now: float, last: float, every: float) -> None:
    found = replace(NONE, newest=made(min(last, now)))
    assert now - every - HOUR < next_at(found, every=every, now=now) <= now + every
    assert age(found, now) == now - min(last, now)


async def test_one_that_a_wrong_clock_dated_ahead_keeps_none_from_being_made(db: Database) -> None:
    """The machine's clock was a year ahead for a while: the backup and the failure of then say nothing of now."""
    clock = MovableClock(at("2026-11-24T15:00:00"))
    ctx = context(db=db, clock=clock)
    good, ahead = made(clock.now() - 2 * DAY), made(clock.now() + 365 * DAY).model_copy(update={"id": "bak_2"})
    later = failed(clock.now() + 366 * DAY).model_copy(update={"id": "bak_3"})
    now_failed = failed(clock.now() - DAY).model_copy(update={"id": "bak_4"})
    for one in (good, ahead, later, now_failed):
        entry = {"at": 1.0, "actor_kind": "system", "actor_id": "", "actor_name": "", "action": "backup.made"}
        await db.write(rows.add, one.model_dump(), entry=entry)
    found = await state(ctx)
    assert found.newest is not None and found.newest.id == "bak_1"
    assert found.failed is not None and found.failed.id == "bak_4"
    assert age(found, clock.now()) == 2 * DAY and late(found, every=DAY, now=clock.now())
    assert next_at(found, every=DAY, now=clock.now()) <= clock.now()


def test_the_age_of_none_is_counted_from_the_first_start() -> None:
    assert age(replace(NONE, since=100.0), 160.0) == 60.0
