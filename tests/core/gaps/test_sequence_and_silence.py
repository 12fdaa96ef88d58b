"""Senders that cannot be asked: numbers that are missing, and silences. Through HTTP, on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from core.gaps import sequence, silence
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

KEY = Fernet.generate_key().decode()
DAY = 86400.0
HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"


@dataclass
class Sender:
    """Sends to one integration, and asks what is missing."""

    client: Client
    clock: MovableClock
    id: str

    async def send(self, *numbers: object) -> None:
        """Deliver events with these numbers, in this order."""
        for number in numbers:
            self.clock.move(0.002)  # identifiers know milliseconds
            body = json.dumps({"data": {"n": number}}).encode()
            answer = await self.client.post(f"/webhooks/{self.id}", body, {})
            assert answer.status == 202, answer.json

    async def check(self) -> Any:
        """Look for gaps."""
        return await self.client.ask("POST", f"/v1/integrations/{self.id}/gaps/check")

    async def keys(self, state: str = "open") -> list[str]:
        """Return the keys of the gaps that are known, the oldest first."""
        found = await self.client.ask("GET", f"/v1/integrations/{self.id}/events/gaps?state={state}")
        return [gap["key"] for gap in found["gaps"]][::-1]


@pytest.fixture(params=["sqlite", "postgresql"])
async def client(request: pytest.FixtureRequest, tmp_path: Path, moved: MovableClock) -> AsyncIterator[Client]:
    given: dict[str, Any] = {"CCB_ROLES": "http"}
    if request.param == "postgresql":
        given |= {"CCB_DATABASE_URL": request.getfixturevalue("postgres_url"), "CCB_SECRET_KEY": KEY}
    async with running(tmp_path, clock=moved, **given) as client:
        yield client


async def sender(client: Client, moved: MovableClock, **source: Any) -> Sender:
    wish = package(HANDLER, "example.com", source={"kind": "none", "unsigned": True, **source})
    return Sender(client, moved, (await client.install(wish))["id"])


@pytest.fixture
async def counting(client: Client, moved: MovableClock) -> Sender:
    return await sender(client, moved, sequence_path="data.n")


@pytest.fixture
async def talking(client: Client, moved: MovableClock) -> Sender:
    return await sender(client, moved)


async def test_numbers_that_are_missing_and_come_late(counting: Sender) -> None:
    await counting.send(7, 8, 9, 13, 14, "17")
    found = await counting.check()
    assert (found["method"], found["complete"], found["problem"]) == ("sequence", True, None)
    assert await counting.keys() == ["seq:10-12", "seq:15-16"]
    assert "10-12 never arrived" in found["gaps"][1]["message"]
    await counting.send(11, 16, 18, 20)
    found = await counting.check()
    assert await counting.keys() == ["seq:10-12", "seq:15-16", "seq:19"]
    assert [gap["detail"]["missing"] for gap in found["gaps"]] == [[[19, 19]], [[15, 15]], [[10, 10], [12, 12]]]
    await counting.send(12, 15, 10, 19)
    assert (await counting.check())["gaps"] == []
    assert await counting.keys("closed") == ["seq:10-12", "seq:15-16", "seq:19"]


async def test_what_is_no_number_or_comes_twice_is_no_gap(counting: Sender) -> None:
    await counting.send(1, None, "x", 2, 2, True, 1.5, [3], 10**30, "1" * 40, 3, 1)
    found = await counting.check()
    assert (found["gaps"], found["findings"], found["complete"]) == ([], [], True)


async def test_a_jump_too_far_is_a_counter_set_anew(counting: Sender) -> None:
    await counting.send(1, 2)
    await counting.check()
    await counting.send(5_000_000_000_000, 5_000_000_000_002)
    found = await counting.check()
    assert await counting.keys() == ["seq:5000000000001"]
    (finding,) = found["findings"]
    assert finding["kind"] == "sequence" and "jumps from 2 to 5000000000000" in finding["message"]


async def test_a_counter_that_is_set_back_begins_anew(counting: Sender) -> None:
    """Its old numbers, which lie above the new ones, are no gaps of the new count."""
    await counting.send(20_000, 20_001)
    await counting.check()
    await counting.send(1, 2, 4)
    found = await counting.check()
    assert "counts from 4 again, after 20001" in found["findings"][0]["message"]
    first = await counting.keys()
    assert [key.partition("@")[0] for key in first] == ["seq:3"]
    await counting.send(5, 7)
    assert (await counting.check())["findings"] == []
    assert [key.partition("@")[0] for key in await counting.keys()] == ["seq:3", "seq:6"]


async def test_a_small_counter_that_is_set_back_shows_in_a_run(counting: Sender) -> None:
    await counting.send(*range(100, 105))
    await counting.check()
    await counting.send(103, 101)
    assert (await counting.check())["findings"] == [], "late ones"
    await counting.send(*range(1, 22))
    assert len((await counting.check())["findings"]) == 1
    assert await counting.keys() == []


async def test_a_silence_opens_lasts_and_ends(talking: Sender) -> None:
    for _ in range(30):
        talking.clock.move(60)
        await talking.send(1)
    assert (await talking.check())["gaps"] == []
    talking.clock.move(590)
    assert (await talking.check())["gaps"] == []
    talking.clock.move(20)
    found = await talking.check()
    (gap,) = found["gaps"]
    assert (found["method"], gap["kind"]) == ("silence", "silence")
    assert gap["message"] == "Nothing has arrived for 10 min; usually something comes within 10 min."
    talking.clock.move(3600)
    (later,) = (await talking.check())["gaps"]
    assert later["key"] == gap["key"] and later["message"].startswith("Nothing has arrived for 70 min")
    await talking.send(2)
    ended = talking.clock.now()
    talking.clock.move(60)
    assert (await talking.check())["gaps"] == []
    (closed,) = (await talking.client.ask("GET", f"/v1/integrations/{talking.id}/events/gaps?state=closed"))["gaps"]
    assert (closed["closed_why"], closed["key"]) == ("ended", gap["key"])
    assert abs(_seconds(closed["to"]) - ended) < 0.01


async def test_few_events_or_a_pause_say_nothing(talking: Sender) -> None:
    for _ in range(19):
        talking.clock.move(1)
        await talking.send(1)
    talking.clock.move(DAY)
    assert (await talking.check())["gaps"] == []
    await talking.send(1)
    await talking.client.ask("POST", f"/v1/integrations/{talking.id}/pause")
    talking.clock.move(5 * DAY)
    assert (await talking.check())["gaps"] == []
    await talking.client.ask("POST", f"/v1/integrations/{talking.id}/activate")
    talking.clock.move(300)
    assert (await talking.check())["gaps"] == [], "the wait begins anew when it is switched on"


async def test_a_sequence_has_silences_too(counting: Sender) -> None:
    for number in range(25):
        counting.clock.move(1)
        await counting.send(number)
    counting.clock.move(DAY)
    found = await counting.check()
    assert [gap["kind"] for gap in found["gaps"]] == ["silence"]


async def test_looks_at_once_are_one(counting: Sender) -> None:
    await counting.send(1, 3)

    async def ask() -> int:
        url = f"http://ccb/v1/integrations/{counting.id}/gaps/check"
        async with counting.client.local.post(url) as answer:
            return answer.status

    found = sorted(await asyncio.gather(*(ask() for _ in range(4))))
    assert found[0] == 200 and set(found) <= {200, 409}
    assert await counting.keys() == ["seq:2"]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@given(st.integers(-50, 50), st.integers(0, 60), st.sets(st.integers(-60, 120)))
def test_the_missing_ranges_are_what_is_not_present(low: int, length: int, present: set[int]) -> None:
    high = low + length
    found = sequence.missing(low, high, present)
    assert [n for first, last in found for n in range(first, last + 1)] == [
        n for n in range(low, high + 1) if n not in present
    ]
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(found)), "as few as there are"


@pytest.mark.parametrize(
    ("mark", "numbers", "expected"),
    [
        (100, [], False),
        (100, [99, 98], False),
        (100, [101], False),
        (20_000, [1], True),
        (20_000, [1, 20_001], False),
        (100, list(range(20)), True),
        (100, list(range(19)), False),
    ],
)
def test_when_a_counter_was_set_back(mark: int, numbers: list[int], expected: bool) -> None:
    assert sequence.was_set_back(mark, numbers) is expected


def _ticks(start: float, step: float, count: int) -> list[float]:
    return [start + step * n for n in range(count)]


def test_the_rule_of_silence() -> None:
    assert silence.patience(_ticks(0, 1, 19), 0.0) is None
    assert silence.patience(_ticks(0, 1, 20), 0.0) == 600, "ten minutes at least"
    assert silence.patience(_ticks(0, 600, 30), 0.0) == 2400, "four times the usual"
    assert silence.patience(_ticks(0, 60, 30), 8 * 3600.0) == 10 * 3600, "a quarter more than last night"
    burst = [n + m / 10 for n in (0.0, 3600.0, 7200.0) for m in range(30)]
    assert silence.patience(burst, 3600.0) == 4500, "bursts: the pause between them is normal"


def test_a_night_is_told_once_and_then_learned_for_a_week() -> None:
    now = 100.5 * DAY
    days = silence.learned({}, [now - 9 * 3600, now - 3600], now=now)
    assert max(days.values()) == 8 * 3600
    for later in range(1, 9):
        days = silence.learned(days, [], now=now + later * DAY)
        assert (max(days.values(), default=0) == 8 * 3600) is (later < 8), later
    assert silence.learned(days, [], now=now + 9 * DAY) == {}


@given(st.lists(st.floats(0, 1e6), min_size=20, max_size=220).map(sorted), st.floats(0, 1e6))
def test_patience_never_calls_what_is_usual_a_silence(times: list[float], longest: float) -> None:
    limit = silence.patience(times, longest)
    intervals = sorted(after - before for before, after in pairwise(times))
    assert limit is not None and limit >= 600 and limit >= longest
    assert sum(interval <= limit for interval in intervals) >= 0.95 * len(intervals)
