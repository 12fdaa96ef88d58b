"""Accepting: duplicates, twins in one group, windows; on both databases."""

from __future__ import annotations

import asyncio
import itertools
from functools import cache

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import SQLModel

from storage import accept, events
from storage.accept import Arrival
from storage.db import Database

_ids = itertools.count(1)


@cache
def _in_memory() -> sa.Engine:
    """Return a database with all tables; what is not committed there is gone."""
    engine = sa.create_engine("sqlite://")
    SQLModel.metadata.create_all(engine)
    return engine


def arrival(*keys: str, at: float = 1000.0, window: float = 60.0, integration: str = "int_a") -> Arrival:
    return Arrival(
        id=f"evt_{next(_ids):06}",
        integration_id=integration,
        type="push",
        delivery_id=keys[0] if keys else None,
        status="queued",
        received_at=at,
        remote="127.0.0.1",
        headers="{}",
        body=b'{"a": 1}',
        intake="[]",
        keys=keys,
        expires_at=at + window,
    )


def _count(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(events.EVENTS)).scalar_one())


async def test_the_second_of_a_kind_is_a_duplicate_of_the_first_and_is_counted(db: Database) -> None:
    first = await db.submit(accept.accept, arrival("d:1"))
    second = await db.submit(accept.accept, arrival("d:1"))
    third = await db.submit(accept.accept, arrival("d:1"))
    assert not first.duplicate
    assert second.duplicate and third.duplicate
    assert second.event_id == third.event_id == first.event_id
    stored = await db.read(events.get, first.event_id)
    assert stored is not None and stored.duplicates == 2
    assert await db.read(_count) == 1


async def test_twins_in_one_group_are_folded(db: Database) -> None:
    accepted = await asyncio.gather(*(db.submit(accept.accept, arrival("d:same")) for _ in range(50)))
    assert sum(not a.duplicate for a in accepted) == 1
    assert len({a.event_id for a in accepted}) == 1
    stored = await db.read(events.get, accepted[0].event_id)
    assert stored is not None and stored.duplicates == 49


async def test_the_same_key_in_another_integration_is_another_event(db: Database) -> None:
    one = await db.submit(accept.accept, arrival("d:1", integration="int_a"))
    other = await db.submit(accept.accept, arrival("d:1", integration="int_b"))
    assert not one.duplicate and not other.duplicate


async def test_without_a_key_nothing_is_a_duplicate(db: Database) -> None:
    accepted = [await db.submit(accept.accept, arrival()) for _ in range(3)]
    assert not any(a.duplicate for a in accepted)


async def test_an_expired_key_is_taken_over(db: Database) -> None:
    first = await db.submit(accept.accept, arrival("d:1", at=1000, window=60))
    inside = await db.submit(accept.accept, arrival("d:1", at=1059))
    after = await db.submit(accept.accept, arrival("d:1", at=1060))
    again = await db.submit(accept.accept, arrival("d:1", at=1061))
    assert inside.event_id == first.event_id
    assert not after.duplicate
    assert again.event_id == after.event_id and again.duplicate


async def test_either_key_is_enough_and_a_new_one_of_a_duplicate_means_the_first_event_too(db: Database) -> None:
    first = await db.submit(accept.accept, arrival("d:1", "k:x"))
    by_payload = await db.submit(accept.accept, arrival("d:2", "k:x"))
    by_its_delivery = await db.submit(accept.accept, arrival("d:2"))
    assert by_payload.event_id == by_its_delivery.event_id == first.event_id
    assert by_payload.duplicate and by_its_delivery.duplicate


async def test_expired_keys_are_forgotten(db: Database) -> None:
    await db.submit(accept.accept, arrival("d:1", at=1000, window=60))
    await db.submit(accept.accept, arrival("d:2", at=1000, window=600))
    assert await db.write(accept.forget, 1100.0) == 1
    assert (await db.submit(accept.accept, arrival("d:2", at=1100))).duplicate


async def test_a_bad_write_fails_alone(db: Database) -> None:
    """What shares a transaction with a write that fails is stored all the same."""

    def bad(connection: object) -> None:
        raise ValueError("rubbish")

    results = await asyncio.gather(
        db.submit(accept.accept, arrival("d:good")), db.write(bad), db.submit(accept.accept, arrival("d:fine")),
        return_exceptions=True,
    )  # fmt: skip
    assert isinstance(results[1], ValueError)
    assert await db.read(_count) == 2


@given(st.lists(st.sets(st.sampled_from("abcdef"), max_size=3), min_size=1, max_size=20))
def test_one_event_for_each_class_of_keys_however_they_are_grouped(deliveries: list[set[str]]) -> None:
    """In whatever groups they come, each delivery stands for an event that had one of its keys, or for itself."""
    arrivals = [arrival(*sorted(keys)) for keys in deliveries]
    by_id = {a.id: a for a in arrivals}
    with _in_memory().connect() as connection:  # which forgets what it was told
        half = len(arrivals) // 2
        accepted = accept.accept(connection, arrivals[:half]) + accept.accept(connection, arrivals[half:])
        stored = {row.id for row in connection.execute(sa.select(events.EVENTS.c.id))}
    assert {a.event_id for a in accepted} == stored
    for own, got in zip(arrivals, accepted, strict=True):
        assert got.duplicate == (got.event_id != own.id)
        if got.duplicate:
            assert own.keys and by_id[got.event_id].received_at <= own.received_at
        elif own.keys:
            assert own.id in stored
