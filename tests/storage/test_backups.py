"""The rows of backups: one process makes each, and who is gone is followed by another."""

from __future__ import annotations

from typing import Any

from storage import audit, backups
from storage.db import Database

ASKER = {"actor_kind": "local", "actor_id": "local", "actor_name": "local"}
ENTRY = {**ASKER, "at": 1.0, "action": "backup.made"}


def row(backup_id: str, **more: Any) -> dict[str, Any]:
    given = {"kind": "sqlite", "status": "waiting", "asked_at": 100.0, "tries": 0, "node": "", "file": "", "note": ""}
    return {"id": backup_id, **given, **ASKER, **more}


async def test_one_is_made_at_a_time_by_one(db: Database) -> None:
    assert await db.write(backups.ask, row("bak_1")) == "bak_1"
    assert await db.write(backups.ask, row("bak_2")) == "bak_1", "one is to be made already"
    claim: dict[str, Any] = {"now": 200.0, "silent_since": 170.0}
    assert await db.write(backups.claim, "bak_1", holder="a", **claim)
    assert not await db.write(backups.claim, "bak_1", holder="b", **claim)
    assert await db.write(backups.beat, "bak_1", holder="a", now=230.0)
    assert not await db.write(backups.claim, "bak_1", holder="b", now=250.0, silent_since=220.0)
    assert await db.write(backups.claim, "bak_1", holder="b", now=270.0, silent_since=240.0), "it has been silent"
    assert not await db.write(backups.beat, "bak_1", holder="a", now=271.0)
    failing: dict[str, Any] = {"values": {"finished_at": 300.0, "error": "x"}, "entry": ENTRY}
    await db.write(backups.fail, "bak_1", holder="a", **failing)
    found = await db.read(backups.under_way)
    assert found is not None and (found.holder, found.tries) == ("b", 2), "whose it is no longer ends nothing"
    await db.write(backups.release, "bak_1", holder="b")
    found = await db.read(backups.under_way)
    assert found is not None and (found.status, found.tries) == ("waiting", 1), "a stop is no try"
    assert await db.write(backups.claim, "bak_1", holder="c", **claim)
    await db.write(backups.fail, "bak_1", holder="c", **failing)
    assert await db.read(backups.under_way) is None
    last = await db.read(backups.last_attempt, until=1e9)
    assert last is not None and (last.id, last.status) == ("bak_1", "failed")
    assert len(await db.read(audit.newest)) == 1


async def test_what_is_there_is_kept_once(db: Database) -> None:
    await db.write(backups.ask, row("bak_1"))
    there = [
        (row(name, status="succeeded", made_at=at, finished_at=at + 1, file=name, asked_at=at), ENTRY)
        for name, at in (("bak_1", 20.0), ("bak_0", 10.0))
    ]
    assert await db.write(backups.keep, there) == 2
    assert await db.write(backups.keep, there) == 0
    assert len(await db.read(audit.newest)) == 2
    good = await db.read(backups.good, until=1e9)
    assert [(one.id, one.asked_at) for one in good] == [("bak_1", 100.0), ("bak_0", 10.0)]
    assert await db.read(backups.under_way) is None, "its file is there: it was made"
    await db.write(backups.forget, ids=["bak_0"])
    assert [one.id for one in await db.read(backups.newest)] == ["bak_1"]
    assert await db.read(backups.newest, after="bak_1") == []
    assert await db.read(backups.get, "bak_0") is None
