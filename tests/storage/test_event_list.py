"""Lists of events: right with every filter, and along an index on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from storage import event_list, queue_status
from storage.db import Database
from storage.event_list import Wanted
from storage.events import EVENTS

pytestmark = pytest.mark.slow

ROWS = 30_000
AT = 1_700_000_000.0


def event_id(number: int) -> str:
    """Return an id of the form that events have; they sort by their numbers."""
    return f"evt_{number:026}"


def _fill(connection: sa.Connection) -> None:
    """Store many events of two integrations: most succeeded, each kind of the rest few and far between."""
    rows: list[dict[str, Any]] = []
    for n in range(ROWS):
        status = {7: "dead", 8: "failed", 9: "discarded", 10: "skipped"}.get(n % 1000, "succeeded")
        rows.append(
            {
                "id": event_id(n), "integration_id": f"int_{n % 2}", "type": "rare" if n % 5000 == 0 else "push",
                "delivery_id": f"d-{n}", "status": status, "received_at": AT + n, "remote": "", "size": 1,
                "intake": "[]", "duplicates": 1 if n % 3000 == 4 else 0, "run": 1, "attempt": 1,
                "run_at": AT + 10 * ROWS if status == "failed" else None, "lease_until": None,
                "error": '{"error":"Upstream failed","message":"[\\"no ROUTE\\"]"}' if n == 2007 else None,
            }
        )  # fmt: skip
    for n in (20, 21, 22):
        rows[n] |= {"status": "queued", "run_at": AT + n}
    for n in (30, 31):
        rows[n] |= {"status": "processing", "lease_until": AT + n}
    connection.execute(sa.insert(EVENTS), rows)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE events")


async def numbers(db: Database, **conditions: Any) -> list[int]:
    found = await db.read(event_list.page, Wanted(now=AT + ROWS, **conditions))
    return [int(event.id[4:]) for event in found.events]


async def all_pages(db: Database, **conditions: Any) -> tuple[list[int], int]:
    """Follow the pages to their end; return what they have, and how many there were."""
    seen: list[int] = []
    after: str | None = None
    for count in range(1, 1000):
        found = await db.read(event_list.page, Wanted(now=AT + ROWS, after=after, **conditions))
        seen += [int(event.id[4:]) for event in found.events]
        if (after := found.after) is None:
            return seen, count
    raise AssertionError("pages without end")


async def test_every_filter_and_every_page(db: Database) -> None:
    await db.write(_fill)
    assert await numbers(db, limit=3) == [ROWS - 1, ROWS - 2, ROWS - 3]
    assert await numbers(db, limit=2, offset=5, integration_id="int_1") == [ROWS - 11, ROWS - 13]
    assert await numbers(db, first=event_id(100), before=event_id(104)) == [103, 102, 101, 100]
    every = range(ROWS - 1, -1, -1)
    assert await all_pages(db, status="dead", limit=7) == ([n for n in every if n % 1000 == 7], 5)
    assert (await all_pages(db, status="failed", integration_id="int_0"))[0] == [n for n in every if n % 1000 == 8]
    assert await numbers(db, status="dead", integration_id="int_0") == []
    assert (await all_pages(db, duplicate=True, limit=3))[0] == [n for n in every if n % 3000 == 4]
    assert await numbers(db, duplicate=True, status="dead") == []
    assert await numbers(db, status="queued") == [22, 21, 20]
    assert await numbers(db, status="queued", integration_id="int_0", limit=1) == [22]
    assert await numbers(db, status="queued", after=event_id(21)) == [20]
    assert await numbers(db, status="processing") == [31, 30]
    assert await numbers(db, status="processing", type="rare") == []
    assert await all_pages(db, type="rare") == ([n for n in every if n % 5000 == 0], 2), "two looks, one page each"
    assert (await all_pages(db, status="skipped", integration_id="int_0"))[0] == [n for n in every if n % 1000 == 10]
    assert await numbers(db, text="d-29999") == [29999]
    assert (await all_pages(db, text="d-3"))[0] == [3], "a delivery id is searched for as a whole"
    assert (await all_pages(db, text="No Route"))[0] == [2007]
    assert (await all_pages(db, text="rar"))[0] == [n for n in every if n % 5000 == 0]
    assert await numbers(db, text="no_route") == [], "signs of patterns mean themselves"
    assert await numbers(db, text=event_id(1234)) == [1234]
    assert await numbers(db, text=event_id(1234)[:-1].replace("evt_", "EVT_")) == list(range(1239, 1229, -1))


LISTS: dict[str, dict[str, Any]] = {
    "all": {},
    "from the middle": {"after": event_id(500)},
    "by time": {"first": event_id(100), "before": event_id(200)},
    "of an integration": {"integration_id": "int_0"},
    "of an integration by time": {"integration_id": "int_0", "first": event_id(100), "before": event_id(200)},
    "dead": {"status": "dead"},
    "dead of an integration": {"status": "dead", "integration_id": "int_0"},
    "dead of a type": {"status": "dead", "integration_id": "int_0", "type": "push"},
    "delivered twice": {"duplicate": True},
    "delivered twice of an integration": {"duplicate": True, "integration_id": "int_0"},
    "queued": {"status": "queued"},
    "queued of an integration": {"status": "queued", "integration_id": "int_0"},
    "processing": {"status": "processing"},
    "processing of an integration": {"status": "processing", "integration_id": "int_0"},
    "succeeded": {"status": "succeeded", "integration_id": "int_0"},
    "of a type": {"type": "push"},
    "with a text": {"text": "push", "integration_id": "int_0"},
    "by the beginning of the id": {"text": "evt_000"},
}
INDEXES = {
    "dead": "ix_events_troubled_all",
    "dead of an integration": "ix_events_troubled",
    "dead of a type": "ix_events_troubled",
    "delivered twice": "ix_events_repeated_all",
    "delivered twice of an integration": "ix_events_repeated",
    "queued": "ix_events_due",
    "queued of an integration": "ix_events_due",
    "processing": "ix_events_lease",
    "processing of an integration": "ix_events_lease",
}


def plan(connection: sa.Connection, query: sa.Select[Any]) -> list[str]:
    """Return the steps that the database would take."""
    text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
    if connection.dialect.name == "postgresql":
        return [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {text}")]
    return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]


def bad(steps: list[str]) -> Iterator[str]:
    """Return the steps that look at the whole table, or sort more than what a limit has let through."""
    for place, step in enumerate(steps):
        if "Seq Scan" in step or step.strip() == "SCAN events":
            yield step
        limited = any("->  Limit" in s for s in steps[place:]) or any(s.startswith("SCAN anon") for s in steps[:place])
        if ("TEMP B-TREE" in step or "->  Sort" in step) and not limited:
            yield step


@pytest.fixture
async def filled(db: Database) -> Database:
    await db.write(_fill)
    return db


async def test_each_list_walks_an_index(filled: Database) -> None:
    for name, conditions in LISTS.items():
        query, _ = event_list.statement(Wanted(now=AT + ROWS, **conditions))
        steps = await filled.read(plan, query.limit(51))
        assert not list(bad(steps)), (name, steps)
        assert any(INDEXES.get(name, "") in step for step in steps), (name, steps)


async def test_the_status_of_the_queue_is_bounded(filled: Database) -> None:
    now = AT + ROWS
    for integration in (None, "int_0"):
        queries = {
            "queued": (queue_status.queued(now, integration), "ix_events_due"),
            "processing": (queue_status.processing(integration), "ix_events_lease"),
            "dead": (queue_status.troubled("dead", integration), "ix_events_troubled"),
            "waiting": (queue_status.waiting(integration), "ix_events_waiting"),
            "first": (queue_status.first_queued(now, "int_0"), "ix_events_due"),
            "next": (queue_status.next_attempt(now, "int_0"), "ix_events_due"),
        }
        for name, (query, index) in queries.items():
            steps = await filled.read(plan, query)
            assert not [s for s in steps if "Seq Scan" in s or s.strip() == "SCAN events"], (name, steps)
            assert any(index in step for step in steps), (name, steps)
    found = await filled.read(queue_status.standing, now=now, integration_id="int_0")
    assert (found.queued, found.processing) == (2, 1)
    assert found.troubles == {"failed": 30, "dead": 0, "discarded": 0}
    assert (found.oldest, found.next_attempt) == (AT + 20, AT + 10 * ROWS)
