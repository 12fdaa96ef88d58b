"""The leader row: one holder, a term, a token that only grows."""

from __future__ import annotations

import asyncio

from storage import leader
from storage.db import Database


async def run_for_it(db: Database, holder: str, now: float) -> int | None:
    return await db.write(leader.campaign, duty="duty", holder=holder, now=now, expires_at=now + 6)


async def test_one_holds_it_until_the_term_ends(db: Database) -> None:
    assert await run_for_it(db, "a", 100) == 1
    assert await run_for_it(db, "b", 105) is None
    assert await run_for_it(db, "a", 105) == 1, "renewed under the same token"
    assert await run_for_it(db, "b", 110.9) is None
    assert await run_for_it(db, "b", 111) == 2, "another holder, a larger token"
    assert await run_for_it(db, "a", 111) is None


async def test_who_resigns_is_followed_at_once(db: Database) -> None:
    await run_for_it(db, "a", 100)
    await db.write(leader.resign, duty="duty", holder="b")
    assert await run_for_it(db, "b", 101) is None, "nobody resigns for another"
    await db.write(leader.resign, duty="duty", holder="a")
    assert await run_for_it(db, "b", 101) == 2
    current = await db.read(leader.current, "duty")
    assert current is not None and current.holder == "b"


async def test_of_many_at_once_one_wins(db: Database) -> None:
    tokens = await asyncio.gather(*(run_for_it(db, f"node-{i}", 100) for i in range(20)))
    assert sorted(t is not None for t in tokens) == [False] * 19 + [True]
