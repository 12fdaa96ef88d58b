"""Integrations and the requests of which none has come yet, in one list, on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage import integration_lists, requests
from storage.db import Database
from storage.events import EVENTS
from storage.integrations import INTEGRATIONS, PACKAGES
from storage.requests import REQUESTS


def _integration(one: str, **more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {
        "id": one, "slug": f"slug-{one}", "name": one, "status": "active", "package": "p", "provenance": "{}",
        "sealed": "", "created_at": 1.0, "updated_at": 1.0,
    }  # fmt: skip
    return {**blank, **more}


def _request(one: str, **more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {
        "id": one, "slug": f"slug-{one}", "title": one, "language": "en", "origin": "rest", "asked_by": "ann",
        "fields": "{}", "status": "generating", "stage": "write", "version": 1, "wishes": "[]", "tries": 0,
        "created_at": 1.0, "updated_at": 1.0,
    }  # fmt: skip
    return {**blank, **more}


async def _fill(db: Database) -> None:
    await db.write(
        lambda connection: connection.execute(sa.insert(PACKAGES), {"digest": "p", "files": "{}", "created_at": 1.0})
    )
    await db.write(
        lambda connection: connection.execute(sa.insert(INTEGRATIONS), [_integration("a"), _integration("d")])
    )
    asked = [_request("b"), _request("c", status="installed"), _request("d", status="failed"), _request("e")]
    await db.write(lambda connection: connection.execute(sa.insert(REQUESTS), asked))


async def test_they_are_merged_by_their_ids(db: Database) -> None:
    await _fill(db)
    found = await db.read(integration_lists.chunk, limit=10)
    shown = [(row.id, row.own is not None, row.request is not None) for row in found]
    assert shown == [("a", True, False), ("b", False, True), ("d", True, True), ("e", False, True)]
    assert [row.id for row in await db.read(integration_lists.chunk, after="a", limit=2)] == ["b", "d"]
    assert [row.id for row in await db.read(integration_lists.chunk, offset=3, limit=2)] == ["e"]
    assert await db.read(integration_lists.chunk, after="e", limit=2) == []
    assert await db.read(integration_lists.count) == 4
    assert await db.read(integration_lists.count, asked=False) == 2
    newest = await db.read(integration_lists.newest, limit=5)
    assert [(row.id, row.own is not None) for row in newest] == [("d", True), ("a", True)]
    assert [row.id for row in await db.read(integration_lists.newest, limit=1)] == ["d"]
    several = await db.read(integration_lists.several, ["slug-a", "b", "c", "nothing"])
    assert [row.id for row in several] == ["a", "b"]
    last, request = await db.read(integration_lists.beside, "d")
    assert last is None and request is not None and request.status == "failed"
    assert [one.id for one in await db.read(requests.newest, limit=2)] == ["e", "d"]
    assert [one.id for one in await db.read(requests.newest, status="generating", limit=9)] == ["e", "b"]


async def test_what_changes_the_version(db: Database) -> None:
    await _fill(db)
    seen = [await db.read(integration_lists.version)]

    async def changed(statement: sa.Executable) -> bool:
        await db.write(lambda connection: connection.execute(statement))
        seen.append(await db.read(integration_lists.version))
        return seen[-1] != seen[-2]

    def of(one: str, **values: Any) -> sa.Update:
        return sa.update(REQUESTS).where(REQUESTS.c.id == one).values(**values)

    assert await changed(of("b", status="failed")), "an unfinished one's"
    assert await changed(of("b", error_details="{}")) and await changed(of("b", updated_at=2.0))
    assert await changed(of("d", pull_state="closed")), "that of an integration"
    assert not await changed(of("b", lease_token="x", lease_until=9.0)), "who works on it is not shown"
    assert not await changed(of("c", updated_at=2.0)), "it is not listed"
    assert await changed(of("b", status="installed")) and seen[-1][1] == 3
    event = {
        "id": "evt_1", "integration_id": "d", "type": "t", "status": "queued", "received_at": 5.0, "remote": "",
        "size": 1, "intake": "[]", "duplicates": 0, "run": 1, "attempt": 1,
    }  # fmt: skip
    assert await changed(sa.insert(EVENTS).values(**event))
    assert (await db.read(integration_lists.version, offset=3))[1] == 3
