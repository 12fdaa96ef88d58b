"""What calls of Claude cost, on both databases: set aside, settled once, counted though their process died."""

from __future__ import annotations

import pytest

from storage import calls, requests
from storage.db import Database
from tests.storage.test_requests import opened


async def reserved(db: Database, call_id: str, cost: float = 2.0, *, version: int = 1, at: float = 5.0) -> None:
    row = {"id": call_id, "request_id": "int_1", "version": version, "at": at, "person": "ann"}
    await db.write(calls.reserve, {**row, "cost": cost, "input_cost": 0.25})


async def sums(db: Database) -> tuple[float, float, float]:
    """Return what is spent, how much of it is an estimate, and what is set aside."""
    return await db.read(
        lambda connection: (
            calls.spent(connection, request_id="int_1", since=5.0),
            calls.spent(connection, person="ann", estimated=True),
            calls.reserved(connection, person="ann"),
        )
    )


async def test_what_is_set_aside_is_not_spent_until_it_is_settled(db: Database) -> None:
    await reserved(db, "call_1")
    await reserved(db, "call_2")
    assert await sums(db) == (0.0, 0.0, 4.0)
    await db.write(lambda connection: calls.settle(connection, "call_1", cost=0.5, estimated=False))
    await db.write(lambda connection: calls.settle(connection, "call_2", cost=0.75, estimated=True))
    assert await sums(db) == (1.25, 0.75, 0.0)
    assert await db.read(lambda connection: calls.spent(connection, since=5.5)) == 0.0
    await db.write(lambda connection: calls.settle(connection, "call_2", cost=0.0, estimated=False))
    assert await sums(db) == (0.5, 0.0, 0.0)


async def test_a_call_whose_process_died_has_cost_its_input_and_is_counted_once(db: Database) -> None:
    await reserved(db, "call_1")
    await reserved(db, "call_2", version=2)
    await reserved(db, "call_3", version=3, at=1.0)
    await db.write(lambda connection: calls.look_at_budgets(connection, "int_1", 1, dead=1.0))
    assert await sums(db) == (0.25, 0.5, 2.0)  # another version's may still be under way, but not for ever
    await db.write(lambda connection: calls.settle(connection, "call_1", cost=0.5, estimated=False))
    assert await sums(db) == (0.5, 0.25, 2.0), "it answered all the same"


@pytest.mark.parametrize(("alone", "left"), [(True, 0.0), (False, 2.0)])
async def test_at_a_start_no_call_is_under_way(db: Database, alone: bool, left: float) -> None:
    await opened(db, "int_1")
    await reserved(db, "call_1")
    await db.write(lambda connection: requests.resume(connection, 9.0, all_leases=alone))
    assert (await sums(db))[2] == left
