"""Many rows in one statement: all of them, in any number; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from storage import bulk
from storage.accept import KEYS
from storage.bulk import _SIZES, _chunks
from storage.db import Database
from storage.events import RUNS

INSERT = bulk.insert(KEYS, "integration_id", "key", "event_id", "expires_at")
TAKE = bulk.insert(
    KEYS, "integration_id", "key", "event_id", "expires_at",
    ending="ON CONFLICT (integration_id, key) DO UPDATE SET event_id = excluded.event_id "
    "WHERE deduplication.expires_at <= {value} RETURNING key",
)  # fmt: skip
MOVE = bulk.ManyRows(
    "UPDATE deduplication SET event_id = given.column2 FROM ({rows}) AS given WHERE key = given.column1",
    KEYS.c.key, KEYS.c.event_id,
)  # fmt: skip


def rows(count: int, *, event: str = "evt_1") -> list[tuple[Any, ...]]:
    return [("int_a", f"k{number:04}", event, float(number)) for number in range(count)]


async def stored(db: Database) -> list[Any]:
    return await db.read(
        lambda connection: [tuple(r) for r in connection.execute(sa.select(KEYS).order_by(KEYS.c.key))]
    )


@pytest.mark.parametrize("count", [0, 1, 3, 64, 200])
async def test_all_rows_are_inserted(db: Database, count: int) -> None:
    assert await db.write(INSERT, rows(count)) == []
    assert await stored(db) == rows(count)


async def test_a_value_of_the_call_decides_what_returns(db: Database) -> None:
    await db.write(INSERT, rows(100))
    taken = await db.write(TAKE, rows(100, event="evt_2"), 9.0)
    assert sorted(row[0] for row in taken) == [f"k{number:04}" for number in range(10)]
    assert [row[2] for row in await stored(db)] == ["evt_2"] * 10 + ["evt_1"] * 90


async def test_each_row_is_updated_with_its_own_values(db: Database) -> None:
    await db.write(INSERT, rows(100))
    await db.write(MOVE, [(f"k{number:04}", f"evt_of_{number}") for number in range(0, 100, 2)])
    found = [row[2] for row in await stored(db)]
    assert found == ["evt_1" if number % 2 else f"evt_of_{number}" for number in range(100)]


async def test_a_column_may_be_named_like_a_word_of_sql(db: Database) -> None:
    insert = bulk.insert(RUNS, "event_id", "run", "actions", "references", "printed")
    await db.write(insert, [("evt_1", 1, "[]", '{"a": "b"}', "")])
    assert await db.read(lambda connection: connection.execute(sa.select(RUNS.c.references)).scalar()) == '{"a": "b"}'


async def test_an_error_is_sqlalchemys_and_shows_no_value(db: Database) -> None:
    with pytest.raises(IntegrityError) as caught:
        await db.write(INSERT, [("int_a", "k", None, 1.0), ("int_a", "a-secret", "evt_1", 1.0)])
    assert "a-secret" not in str(caught.value)
    assert await stored(db) == []


@given(st.lists(st.integers(), max_size=300))
def test_chunks_have_few_lengths_and_nothing_is_lost(given_rows: list[int]) -> None:
    chunks = list(_chunks(given_rows))
    assert [row for chunk in chunks for row in chunk] == given_rows
    assert all(len(chunk) in _SIZES for chunk in chunks)
