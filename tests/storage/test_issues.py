"""The log of an issue stays bounded."""

from __future__ import annotations

from typing import Any

from storage import issues
from storage.db import Database


def _lines(count: int, level: str = "info") -> list[dict[str, Any]]:
    return [{"at": 1.0, "level": level, "step": "s", "message": str(n), "fields": "{}"} for n in range(count)]


async def test_the_newest_lines_are_kept_and_read_as_a_story(db: Database) -> None:
    await db.write(issues.append, "a/b", 1, _lines(issues.MOST_LINES))
    await db.write(issues.append, "a/b", 1, _lines(5, "error"))
    await db.write(issues.append, "a/b", 2, _lines(1))
    every = await db.read(issues.newest_lines, "a/b", 1, levels=("info", "error"), limit=2000)
    assert (len(every), every[0].message, every[-1].message) == (issues.MOST_LINES, "5", "4")
    newest = await db.read(issues.newest_lines, "a/b", 1, levels=("error",), limit=3)
    assert [line.message for line in newest] == ["2", "3", "4"]
    assert await db.read(issues.has_lines, "a/b", 2) and not await db.read(issues.has_lines, "a/b", 3)


async def test_what_is_known_of_an_issue_is_replaced(db: Database) -> None:
    row = {"repository": "a/b", "number": 1, "title": "x", "status": "failed", "fields": "{}",
           "error_details": "{}", "updated_at": 1.0}  # fmt: skip
    await db.write(issues.store, row, _lines(1))
    await db.write(issues.store, {**row, "status": "requested", "error_details": None, "updated_at": 2.0}, _lines(1))
    found = await db.read(issues.find, "a/b", 1)
    assert found is not None and (found.status, found.error_details, found.updated_at) == ("requested", None, 2.0)
    assert await db.read(issues.find, "a/b", 2) is None
