"""The queue of messages that follow requests, on both databases."""

from __future__ import annotations

import sqlalchemy as sa

from storage import request_messages as rows
from storage.db import Database

ROW = {"request_id": "int_1", "asker": "U1", "language": "en", "channel": "C1", "thread": None}


async def test_what_changes_while_somebody_tells_is_told_again(db: Database) -> None:
    await db.write(rows.add, ROW)
    kept = await db.write(rows.claim, 100.0, 200.0)
    assert kept is not None and kept.lease_token is not None
    assert await db.write(rows.claim, 100.0, 200.0) is None, "it is claimed"
    await db.write(rows.want, "int_1")
    assert await db.write(rows.put, "int_1", "another token", {"ts": "9"}) is False
    assert await db.write(rows.put, "int_1", kept.lease_token, {"told": kept.wanted, "not_before": 101.0}, release=True)
    assert await db.read(rows.soonest) == 101.0
    assert await db.write(rows.claim, 100.5, 200.0) is None, "not yet"
    again = await db.write(rows.claim, 101.0, 200.0)
    assert again is not None and (again.wanted, again.told) == (2, 1)
    taken_over = await db.write(rows.claim, 200.0, 300.0)
    assert taken_over is not None and taken_over.lease_token != again.lease_token
    await db.write(rows.drop, "int_1", str(taken_over.lease_token))
    await db.write(rows.want, "int_1")
    assert await db.read(rows.soonest) is None
    assert await db.read(rows.asked_by, "U1", 5) == ["int_1"]


async def test_a_restart_ends_the_leases(db: Database) -> None:
    def clear(connection: sa.Connection) -> None:
        connection.execute(sa.delete(rows.MESSAGES))

    await db.write(clear)
    await db.write(rows.add, ROW)
    assert await db.write(rows.claim, 100.0, 10_000.0) is not None
    await db.write(rows.resume)
    assert await db.write(rows.claim, 100.0, 200.0) is not None
