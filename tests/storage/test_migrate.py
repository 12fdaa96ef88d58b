"""Migrations: they make exactly the tables that the code knows."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

from core.texts import revive
from storage import audit, calls, gauges, metrics, migrate, requests, rollup
from storage.db import Database, open_database
from storage.rollup import DAY


def _differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, SQLModel.metadata))


async def test_the_schema_is_what_the_tables_say(db: Database) -> None:
    assert await db.read(_differences) == []


async def test_an_empty_postgresql_gets_the_schema(empty_postgres_url: str, tmp_path: Path) -> None:
    database = await open_database(empty_postgres_url, tmp_path)
    assert await database.alone(migrate.upgrade) == (None, migrate.newest())
    assert await database.read(_differences) == []
    await database.close()


async def test_an_upgrade_of_the_newest_changes_nothing(db: Database) -> None:
    before, after = await db.write(migrate.upgrade)
    assert before == after


async def test_what_is_stored_is_its_owners_alone(tmp_path: Path) -> None:
    """The bodies of events lie in these files: nobody else on the machine may read them, whatever the umask."""
    folder = tmp_path / "data"
    database = await open_database(None, folder)
    await database.write(migrate.upgrade)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.glob("ccb.db*")]}
    await database.close()
    assert modes.pop("data") == 0o700
    assert modes.keys() >= {"ccb.db", "ccb.db-wal"} and set(modes.values()) == {0o600}


async def test_changes_of_state_are_kept_in_the_audit(tmp_path: Path) -> None:
    """0002 moves what 0001 kept in a table of its own."""
    database = await open_database(None, tmp_path)

    def first(connection: sa.Connection) -> None:
        command.upgrade(migrate.config(connection), "0001")
        row = {"integration_id": "int_1", "before": "inactive", "after": "active", "at": 5.0, "who": "ops", "why": "go"}
        columns: list[sa.ColumnClause[object]] = [sa.column(name) for name in row]
        connection.execute(sa.insert(sa.table("state_changes", *columns)).values(**row))

    await database.write(first)
    await database.write(migrate.upgrade)
    (entry,) = await database.read(audit.newest, integration_id="int_1")
    await database.close()
    assert (entry.action, entry.actor_name, entry.at, entry.why) == ("status.changed", "ops", 5.0, "go")
    assert orjson.loads(entry.changes) == [{"key": "status", "from": "inactive", "to": "active"}]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_rounds_have_cost_stays_known(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """0004 makes a call of each round that 0003 kept, and leaves out what was reserved."""
    url = request.getfixturevalue("empty_postgres_url") if kind == "postgresql" else None
    database = await open_database(url, tmp_path)

    def third(connection: sa.Connection) -> None:
        command.upgrade(migrate.config(connection), "0003")
        row = {
            "request_id": "int_1", "version": 1, "round": 0, "at": 5.0, "model": "m", "text": "", "notes": "",
            "problem": None, "tokens": "{}", "cost": 2.0, "person": "ann",
        }  # fmt: skip
        rounds = sa.table("request_rounds", *(sa.column(name) for name in row))
        for more in (
            {},
            {"round": 1, "cost": 0.5, "problem": "{it} is wrong"},
            {"round": 2, "cost": 0.25, "problem": ""},
        ):
            connection.execute(sa.insert(rounds).values({**row, **more}))

    await database.write(third)
    await database.write(migrate.upgrade)
    kept = await database.read(requests.rounds, "int_1")
    spent = await database.read(lambda c: (calls.spent(c, request_id="int_1"), calls.spent(c, person="ann", since=5.0)))
    reserved = await database.read(calls.reserved)
    await database.close()
    assert [one.round for one in kept] == [1, 2] and kept[1].problem == ""
    assert kept[0].problem is not None and revive(kept[0].problem) == "{it} is wrong"
    assert spent == (0.75, 0.75) and reserved == 0.0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_samples_of_the_last_days_get_their_sums(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """0013 makes the sums of hours and days of what is kept by the minute; older ones stay unknown."""
    url = request.getfixturevalue("empty_postgres_url") if kind == "postgresql" else None
    database = await open_database(url, tmp_path)
    now = 20_000 * DAY

    def before(connection: sa.Connection) -> None:
        command.upgrade(migrate.config(connection), "0010")
        counts: metrics.Counts = {}
        for ago, depth in ((0, 1.0), (1, 3.0), (2, 5.0), (8 * 1440 - 1, 9.0)):
            metrics.count(counts, "a", now + 7200 - ago * 60, "queue_depth", by=depth)
        metrics.add(connection, counts)
        connection.execute(sa.update(metrics.METRICS).values(rolled=metrics.METRICS.c.value))
        old = {"integration_id": "a", "name": "queue_depth", "bucket": 0}
        for seconds, start, most in ((3600, now + 3600, 5.0), (3600, now - 9 * DAY, 9.0), (DAY, now, 5.0)):
            connection.execute(sa.insert(rollup.ROLLED).values(**old, seconds=seconds, start=start, value=most))

    await database.write(before)
    await database.write(migrate.upgrade)
    parts = [rollup.Piece(3600, now - 10 * DAY, now + DAY), rollup.Piece(DAY, now - 10 * DAY, now + DAY)]
    found = await database.read(gauges.rows_of, "a", "queue_depth", parts)
    await database.close()
    assert [(row.start - now, row.seconds, row.total, row.lowest, row.samples) for row in found] == [
        (-9 * DAY, 3600, 0.0, 0.0, None), (3600, 3600, 8.0, 3.0, 2), (7200, 3600, 1.0, 1.0, 1), (0, DAY, 9.0, 1.0, 3),
    ]  # fmt: skip
