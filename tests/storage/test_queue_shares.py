"""Whose the queue is, on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage import queue_status
from storage.db import Database
from storage.events import EVENTS
from storage.queue_status import Share


def _event(number: int, owner: str, status: str, run_at: float | None) -> dict[str, Any]:
    return {
        "id": f"evt_{number:026d}", "integration_id": owner, "type": "push", "status": status, "received_at": 1.0,
        "remote": "", "size": 0, "intake": "[]", "duplicates": 0, "run": 1, "attempt": 0, "run_at": run_at,
    }  # fmt: skip


async def test_those_in_trouble_come_first(db: Database) -> None:
    kinds = [("a", "queued", 1.0)] * 3 + [("b", "dead", None), ("b", "failed", 9.0), ("c", "succeeded", None)]
    rows = [_event(number, owner, status, at) for number, (owner, status, at) in enumerate(kinds)]
    await db.write(lambda connection: connection.execute(sa.insert(EVENTS), rows) and None)
    assert await db.read(queue_status.shares, most=10) == [Share("b", 1, 1, 1), Share("a", 3, 0, 0)]
    assert await db.read(queue_status.shares, most=1) == [Share("b", 1, 1, 1)]
