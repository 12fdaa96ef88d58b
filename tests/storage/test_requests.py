"""Requests as rows, on both databases: claimed under a lease, moved by who holds it."""

from __future__ import annotations

from typing import Any

from storage import requests
from storage.db import Database

ENTRY = {"at": 1.0, "actor_kind": "key", "actor_id": "key_1", "actor_name": "ann", "action": "request.opened"}


async def opened(db: Database, request_id: str, **more: Any) -> None:
    row = {
        "id": request_id, "slug": request_id, "title": "t", "language": "en", "origin": "rest", "asked_by": "ann",
        "fields": "{}", "status": "requested", "stage": "check", "run_at": 10.0, "created_at": 1.0, "updated_at": 1.0,
    }  # fmt: skip
    await db.write(requests.add, {**row, **more}, ENTRY)


def round_of(request_id: str, number: int, cost: float) -> dict[str, Any]:
    values = {"request_id": request_id, "version": 1, "round": number, "at": 5.0, "model": "m"}
    return {**values, "text": "x", "cost": cost, "tokens": "{}"}


async def test_one_at_a_time_holds_it_and_who_lost_it_writes_nothing(db: Database) -> None:
    await opened(db, "int_1")
    assert await db.write(requests.claim, 9.0, 40.0) is None  # not due yet
    first = await db.write(requests.claim, 10.0, 40.0)
    assert first is not None and await db.write(requests.claim, 11.0, 41.0) is None
    again = await db.write(requests.claim, 40.0, 70.0)  # its lease has run out
    assert again is not None and again.lease_token != first.lease_token
    assert not await db.write(requests.advance, "int_1", first.lease_token, {"status": "failed"})
    done = {"status": "generating", "stage": "", "run_at": None}
    assert await db.write(requests.advance, "int_1", again.lease_token, done, round_=round_of("int_1", 1, 0.5))
    found = await db.read(requests.get, "int_1")
    assert found is not None and (found.status, found.lease_token) == ("generating", None)
    assert await db.write(requests.claim, 100.0, 130.0) is None  # nothing is due
