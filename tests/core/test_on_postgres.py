"""PostgreSQL: text that it does not take, two nodes, settings of its address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from core.cli.failure import CliError
from core.cli.starting import explained
from storage.away import DatabaseAwayError
from storage.db import open_database
from tests.engines import Client, running
from tests.packages import package

KEY = Fernet.generate_key().decode()
LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]
OPEN = {"kind": "none", "unsigned": True}


@pytest.fixture
async def client(tmp_path: Path, postgres_url: str) -> AsyncIterator[Client]:
    async with running(tmp_path, CCB_DATABASE_URL=postgres_url, CCB_SECRET_KEY=KEY) as client:
        yield client


async def test_a_nul_in_the_deduplication_key(client: Client) -> None:
    """A payload's value with U+0000 is genuine JSON: taken as on SQLite, not answered 503 for ever."""
    made = await client.install(package(LOG, "x", expected=LOGGED, source=OPEN, deduplication_key="k"))
    answer = await client.post(f"/webhooks/{made['id']}", b'{"n": 1, "k": "a\\u0000b"}', {})
    assert answer.status == 202, answer.json


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/%00",
        "/v1/integrations/%00",
        "/v1/events/%00",
        "/v1/events?type=%00",
        "/v1/auth/tokens/%00",
        "/webhooks/%ff",
        "/v1/integrations/%ff",
    ],
)
async def test_a_nul_or_no_utf8_in_a_path_is_nobodys_outage(client: Client, path: str) -> None:
    """What cannot be the name of anything is not found (or wrong): never 'the database does not answer'."""
    async with client.local.get(f"{client.engine.report.address}{path}") as answer:
        pass
    from yarl import URL

    async with client.local.get(URL(f"http://ccb{path}", encoded=True)) as answer:
        assert answer.status in (200, 400, 404, 422), await answer.text()


async def test_a_nul_in_a_log_line(client: Client) -> None:
    """A handler logs what came in, a U+0000 in it too: the line is kept, the event succeeds."""
    made = await client.install(package(LOG, "x", expected=LOGGED))
    answer = await client.deliver(made["id"], {"n": "a\0b"})
    event = await client.until(answer.json["event_id"], lambda e: e["status"] not in ("queued", "processing"))
    assert event["status"] == "succeeded", event["error"]


async def test_a_nul_that_is_printed(client: Client) -> None:
    """What a handler prints is kept, a U+0000 in it too."""
    handler = (
        "def handle(event: dict, config: dict) -> list[dict]:\n"
        "    print(event['payload']['n'])\n"
        "    return [{'type': 'log', 'message': 'm'}]\n"
    )
    made = await client.install(package(handler, "x", expected=[{"type": "log", "message": "m"}]))
    answer = await client.deliver(made["id"], {"n": "a\0b"})
    event = await client.until(answer.json["event_id"], lambda e: e["status"] not in ("queued", "processing"))
    assert event["status"] == "succeeded", event["error"]


async def test_a_nul_in_a_name_is_a_wrong_value(client: Client) -> None:
    """A name with U+0000 is refused with 422, not with 503."""
    wish = {"package": package(LOG, "x", expected=LOGGED), "name": "a\0b"}
    async with client.local.post("http://ccb/v1/integrations", json=wish) as answer:
        assert answer.status == 422, await answer.text()


async def test_two_nodes_that_install_one_slug(tmp_path: Path, postgres_url: str) -> None:
    """Of two nodes that install the same slug at the same moment one gets 201, the other 409."""
    shared: dict[str, Any] = {"CCB_DATABASE_URL": postgres_url, "CCB_SECRET_KEY": KEY}
    async with running(tmp_path / "a", **shared) as one, running(tmp_path / "b", **shared) as two:
        for i in range(6):
            wish = {"package": package(LOG, "x", expected=LOGGED), "slug": f"same-{i}"}

            async def ask(client: Client, wish: object = wish) -> int:
                async with client.local.post("http://ccb/v1/integrations", json=wish) as answer:
                    return answer.status

            assert sorted(await asyncio.gather(ask(one), ask(two))) == [201, 409]


@pytest.mark.parametrize(
    "setting",
    [
        "sslmode=prefer",
        "sslmode=disable",
        "ssl=disable",
        "connect_timeout=5",
        "application_name=ccb",
        "channel_binding=prefer",
        "keepalives=1&keepalives_idle=30",
    ],
)
async def test_what_an_address_may_say(tmp_path: Path, postgres_url: str, setting: str) -> None:
    """The parameters of libpq that hosts put into the addresses they give out: both connections take them."""
    url = f"{postgres_url}{'&' if '?' in postgres_url else '?'}{setting}"
    database = await open_database(url, tmp_path)
    heard = asyncio.Event()
    try:
        from storage.dialect import announce

        database.on_work("events", heard.set)
        await database.write(announce, "events")
        async with asyncio.timeout(4):
            await heard.wait()
    finally:
        await database.close()


async def test_what_an_address_must_not_say_ends_the_start_in_words(tmp_path: Path) -> None:
    """A protection that cannot be had is not passed over; the words hold no password."""
    with pytest.raises(CliError, match="sslmode=verify-full") as caught, explained():
        await open_database("postgresql://ccb:secret@127.0.0.1/ccb?channel_binding=require", tmp_path)
    assert "secret" not in str(caught.value)


async def test_connections_that_the_server_has_closed_are_made_anew(tmp_path: Path, postgres_url: str) -> None:
    """After a restart of the server the next reader and the next writer get new connections, and no error."""
    database = await open_database(postgres_url, tmp_path)
    one = sa.select(1)
    await asyncio.gather(*(database.read(lambda c: c.execute(one).scalar_one()) for _ in range(4)))
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    admin = await asyncpg.connect(postgres_url)
    assert await admin.fetchval(f"SELECT count(pg_terminate_backend(pid)) {others}")
    while await admin.fetchval(f"SELECT count(*) {others}"):
        pass
    await admin.close()
    assert await database.read(lambda c: c.execute(one).scalar_one()) == 1
    assert await database.write(lambda c: c.execute(one).scalar_one()) == 1
    await database.close()


async def test_a_connection_that_breaks_under_a_transaction(tmp_path: Path, postgres_url: str) -> None:
    """What was being written is refused as an outage, not as a fault; what comes next is written."""
    database = await open_database(postgres_url, tmp_path)
    with pytest.raises(DatabaseAwayError):
        await database.write(lambda c: c.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert await database.write(lambda c: c.execute(sa.select(1)).scalar_one()) == 1
    await database.close()
