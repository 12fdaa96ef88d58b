"""Nothing that an integration's status is read from looks at all of its events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from storage import audit, integration_status, migrate
from storage.db import Database, open_database
from storage.events import EVENTS
from storage.integrations import INTEGRATIONS, PACKAGES
from storage.webhook_log import LOG


def _event(number: int, **more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {
        "id": f"evt_{number:04d}", "integration_id": "int_1", "type": "t", "status": "succeeded", "received_at": 100.0,
        "remote": "", "size": 1, "intake": "[]", "duplicates": 0, "run": 1, "attempt": 1, "run_at": None,
        "finished_at": None, "error": None, "waiting_for": None, "lease_until": None,
    }  # fmt: skip
    return {**blank, **more}


EVENTS_OF_ALL_KINDS = [
    _event(1, status="dead", finished_at=120.0, error="{1}"),
    _event(2, status="dead", finished_at=130.0, error="{2}"),
    _event(3, status="failed", waiting_for="slack", received_at=90.0),
    _event(4, status="failed", waiting_for="slack", received_at=95.0),
    _event(5, status="failed", run_at=500.0, finished_at=140.0, error="{5}"),
    _event(6, status="queued", run_at=99.0, received_at=98.0),
    _event(7, status="processing", lease_until=300.0),
    _event(8, status="processing", lease_until=300.0, integration_id="int_2"),
    _event(9, received_at=200.0),
    _event(10, status="dead", finished_at=1.0, integration_id="int_2"),
]


async def test_what_is_counted(db: Database) -> None:
    refused = [
        {"id": f"rej_{n}", "integration_id": "int_1", "at": at, "status": 401, "reason": reason, "remote": "",
         "detail": "", "suppressed": more}
        for n, (at, reason, more) in enumerate([(1.0, "mismatch", 9), (60.0, "mismatch", 2), (70.0, "mismatch", 0),
                                                (80.0, "inactive", 0)])
    ]  # fmt: skip
    await db.write(lambda connection: connection.execute(sa.insert(EVENTS), EVENTS_OF_ALL_KINDS))
    await db.write(lambda connection: connection.execute(sa.insert(LOG), refused))
    change = {"at": 5.0, "actor_kind": "local", "actor_id": "", "actor_name": "", "action": "status.changed"}
    await db.write(audit.add, {**change, "integration_id": "int_1"})
    await db.write(audit.add, {**change, "integration_id": "int_2"})
    found = await db.read(integration_status.read, "int_1", hour_ago=50.0, first_of_hour="evt_0005")
    assert found.dead == integration_status.Failures(2, 120.0, [(130.0, "{2}"), (120.0, "{1}")])
    assert found.failing == integration_status.Failures(1, 100.0, [(140.0, "{5}")])
    assert found.waiting == [integration_status.Waiting("slack", 2, 90.0)]
    assert found.queue == integration_status.Queue(depth=2, oldest=98.0, late_since=99.0, in_flight=1)
    assert found.recent == {"failed": 1, "queued": 1, "processing": 1, "succeeded": 1}
    assert (found.last_activity, found.refused) == (200.0, {"mismatch": 4, "inactive": 1})
    assert [entry.at for entry in found.changes] == [5.0]


@contextmanager
def _statements(connection: sa.Connection) -> Iterator[list[tuple[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, ___: Any, ____: Any) -> None:
        seen.append((statement, parameters))

    sa.event.listen(connection, "before_cursor_execute", note)
    yield seen
    sa.event.remove(connection, "before_cursor_execute", note)


async def test_every_statement_goes_by_an_index(tmp_path: Path) -> None:
    db = await open_database(None, tmp_path)
    await db.write(migrate.upgrade)

    def plans(connection: sa.Connection) -> list[str]:
        with _statements(connection) as seen:
            integration_status.read(connection, "int_1", hour_ago=0.0, first_of_hour="evt_0")
        found = []
        for statement, parameters in seen:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found += [row[3] for row in rows if "events" in row[3] or "webhook_log" in row[3] or "audit" in row[3]]
        return found

    used = await db.read(plans)
    await db.close()
    expected = {"ix_events_troubled", "ix_events_due", "ix_events_lease", "ix_events_integration"}
    assert {name for name in expected if any(f"INDEX {name} " in plan for plan in used)} == expected
    assert all(plan.startswith("SEARCH") for plan in used), used


def _refusal(owner: str, at: float) -> dict[str, Any]:
    return {"id": f"rej_{owner}", "integration_id": owner, "at": at, "status": 401, "reason": "mismatch", "remote": "",
            "detail": "", "suppressed": 0}  # fmt: skip


async def _six(db: Database) -> None:
    """Have one that is well, and five of which each has one thing."""
    package = {"digest": "d", "files": "{}", "created_at": 1.0}
    blank = {"name": "N", "status": "active", "package": "d", "provenance": "{}", "config": "{}", "sealed": "x",
             "grants": "{}", "monitoring": "{}", "created_at": 1.0, "updated_at": 1.0}  # fmt: skip
    made = [{**blank, "id": one, "slug": one} for one in ("well", "dead", "failed", "late", "refused", "long_ago")]
    events = [
        _event(1, integration_id="well"),
        _event(2, integration_id="well", status="queued", run_at=60.0),
        _event(3, integration_id="well", status="discarded"),
        _event(4, integration_id="dead", status="dead"),
        _event(5, integration_id="failed", status="failed", waiting_for="slack"),
        _event(6, integration_id="late", status="queued", run_at=49.0),
    ]
    refused = [_refusal("refused", 60.0), _refusal("long_ago", 40.0)]

    def write(connection: sa.Connection) -> None:
        for target, rows in ((PACKAGES, [package]), (INTEGRATIONS, made), (EVENTS, events), (LOG, refused)):
            connection.execute(sa.insert(target), rows)

    await db.write(write)


async def test_which_may_have_something_wrong_is_asked_at_once(db: Database) -> None:
    await _six(db)
    every = ["well", "dead", "failed", "late", "refused", "long_ago", "nobody"]
    found = await db.read(integration_status.in_trouble, every, hour_ago=50.0, late=50.0)
    assert found == {"dead", "failed", "late", "refused"}
    assert await db.read(integration_status.in_trouble, ["well"], hour_ago=50.0, late=50.0) == set()


async def test_that_too_goes_by_indexes_alone(tmp_path: Path) -> None:
    db = await open_database(None, tmp_path)
    await db.write(migrate.upgrade)

    def plans(connection: sa.Connection) -> list[str]:
        with _statements(connection) as seen:
            integration_status.in_trouble(connection, ["int_1"], hour_ago=0.0, late=0.0)
        ((statement, parameters),) = seen
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in rows if row[3].startswith(("SEARCH", "SCAN"))]

    used = await db.read(plans)
    await db.close()
    assert len(used) == 5 and all(plan.startswith("SEARCH") and "INDEX" in plan for plan in used), used
