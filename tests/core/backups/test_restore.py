"""Restoring: a backup in place of the database, by the command line, and what the engine makes of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from core import auth, sessions
from core.errors import Unauthenticated
from tests.core.backups.conftest import Place, backed_up, rows
from tests.engines import Client
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver, receiving

HANDLER = 'def handle(event: dict, config: dict) -> list[dict]:\n    return [{"type": "log", "message": "got it"}]\n'
LOGGED = [{"type": "log", "message": "got it"}]


def last_line(text: str) -> Any:
    """Return the JSON that a command wrote; the engine's log goes to the same place here."""
    return json.loads(text.splitlines()[-1])


async def listed(client: Client, count: int) -> list[Any]:
    """Wait until the engine has looked into its folder; return the backups that it knows."""
    found: list[Any] = []
    async with asyncio.timeout(10):
        while [one["status"] for one in found] != ["succeeded"] * count:
            await asyncio.sleep(0.05)
            found = await client.ask("GET", "/v1/backups")
    return found


async def installed(client: Client, receiver: Receiver) -> None:
    await client.install(package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)))


async def test_everything_is_there_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Events, their traces, secrets; nothing is sent again that the ledger knew of, the rest with the same keys."""
    async with receiving() as receiver:
        thinking, held = asyncio.Event(), asyncio.Event()

        async def think(got: Received) -> int:
            if json.loads(got.body)["n"] == 2 and got.path == "/1":
                held.set()
                await thinking.wait()
            return 200

        receiver.before_answer = think
        given: dict[str, Any] = {"CCB_OUTBOUND_ALLOW": receiver.host, "CCB_LEASE_SECONDS": 2}
        async with place.running(**given) as client:
            await installed(client, receiver)
            done = (await client.deliver("forward", {"n": 1}, "msg_1")).json["event_id"]
            await client.ended(done)
            steps = await client.steps(done)
            half = (await client.deliver("forward", {"n": 2}, "msg_2")).json["event_id"]
            await held.wait()  # the first effect is in the ledger, the second under way
            backup = await backed_up(client)
            thinking.set()
            await client.ended(half)
            later = (await client.deliver("forward", {"n": 3}, "msg_3")).json["event_id"]
            await client.ended(later)
            newer = await backed_up(client)
            assert await place.ccb("restore", backup["file"], "--force") == 1
            said = capsys.readouterr().err
            assert ("An engine is running" in said) or ("Somebody is at work on the database" in said)
        before = receiver.counts()
        assert await place.ccb("restore", backup["file"]) == 1
        said = capsys.readouterr().err
        assert "The data here are newer than the backup" in said and backup["made_at"] in said
        assert await place.ccb("restore", backup["file"], "--force", "--json") == 0
        restored = last_line(capsys.readouterr().out)
        assert (restored["key"], restored["made_at"]) == ("fits", backup["made_at"])
        assert Path(restored["aside"]).stat().st_mode & 0o777 == 0o600
        async with place.running(**given) as client:
            assert await client.steps(done) == steps
            await client.ended(half)
            await client.ask("GET", f"/v1/events/{later}", status=404)
            counts = receiver.counts()
            assert counts == before + type(before)({f"{half}:1:1": 1}), "once more, with its key, and nothing else"
            again = await client.deliver("forward", {"n": 1}, "msg_1")  # the webhook's secret is read with the key
            assert (again.status, again.json["event_id"]) == (200, done), "it is known as a duplicate"
            once_more = await client.deliver("forward", {"n": 3}, "msg_3")
            assert once_more.status == 202, "what came after the backup can be sent again"
            await client.ended(once_more.json["event_id"])
            (entry,) = await client.ask("GET", "/v1/changelog?action=backup.restored")
            assert entry["subject"] == backup["id"]
            known = await listed(client, 2)
            assert [one["id"] for one in known] == [newer["id"], backup["id"]], "its own, and that made after it"
            assert {one["status"] for one in known} == {"succeeded"}
    if place.kind == "sqlite":
        assert {event for (event,) in rows(restored["aside"], "SELECT id FROM events")} == {done, half, later}


async def test_into_an_empty_place_with_another_key(
    place: Place, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.running() as client:
        await client.install(package(HANDLER, "x", expected=LOGGED))
        backup = await backed_up(client)
    if place.kind == "sqlite":
        monkeypatch.setenv("CCB_DATA_DIR", str(tmp_path / "new"))
        assert await place.ccb("restore", backup["file"]) == 0
        told = capsys.readouterr().out
        assert "The key of the secrets is not here" in told and "kept in" not in told
        (tmp_path / "new" / "secret.key").write_text((place.folder / "secret.key").read_text())
        (tmp_path / "new" / "secret.key").chmod(0o600)
        assert [p.name for p in (tmp_path / "new").iterdir()] != []
        place.folder = tmp_path / "new"
    else:
        monkeypatch.setenv("CCB_SECRET_KEY", Fernet.generate_key().decode())
        assert await place.ccb("restore", backup["file"], "--force") == 0
        assert "is not that of the backup" in capsys.readouterr().out
    async with place.running() as client:
        answer = await client.deliver("forward", {"n": 1})
        await client.ended(answer.json["event_id"])


async def test_a_restored_schema_is_brought_up_to_date(place: Place) -> None:
    """A backup from before an upgrade: the engine upgrades it, though newer tables were there."""
    async with place.running() as client:
        await client.install(package(HANDLER, "x", expected=LOGGED))
    from alembic import command

    from storage import migrate
    from storage.db import open_database

    db = await open_database(place.url, place.folder)
    await db.alone(lambda connection: command.downgrade(migrate.config(connection), "0009"))
    await db.close()
    assert await place.ccb("backup") == 0
    (name, _) = place.files
    async with place.running() as client:
        (known,) = await listed(client, 1)
        assert (known["status"], known["asked_by"], known["revision"]) == ("succeeded", "local", "0009")
        assert [e["subject"] for e in await client.ask("GET", "/v1/changelog?action=backup.made")] == [known["id"]]
    assert await place.ccb("restore", str(place.folder / "backups" / name), "--force") == 0
    async with place.running() as client:
        answer = await client.deliver("forward", {"n": 1})
        await client.ended(answer.json["event_id"])


async def test_who_had_signed_out_is_not_signed_in_again(place: Place) -> None:
    async with place.running() as client:
        ctx = client.engine.ctx
        _, key = await auth.issue(ctx, actor=auth.SYSTEM, name="ops", permissions=["events.read"])
        actor, session = await sessions.sign_in(ctx, key)
        link, _ = await sessions.offer_link(ctx, actor=auth.LOCAL, key=None)
        file = (await backed_up(client))["file"]
        await sessions.sign_out(ctx, session, actor=actor)
        await sessions.follow_link(ctx, link)
    assert await place.ccb("restore", file, "--force") == 0
    async with place.running() as client:
        assert await sessions.who(client.engine.ctx, session) is None
        with pytest.raises(Unauthenticated):
            await sessions.follow_link(client.engine.ctx, link)


async def test_what_is_refused(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.running() as client:
        file = (await backed_up(client))["file"]
    if place.kind == "sqlite":
        newer = Path(file).with_name("newer.db")
        newer.write_bytes(Path(file).read_bytes())
        connection = sqlite3.connect(newer)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
        connection.close()
        assert await place.ccb("restore", str(newer), "--force") == 1
        assert "made by a newer version" in capsys.readouterr().err
        foreign = Path(file).with_name("foreign.db")
        connection = sqlite3.connect(foreign)
        connection.execute("CREATE TABLE mine (x)")
        connection.close()
        assert await place.ccb("restore", str(foreign), "--force") == 1
        assert "no database of the engine's" in capsys.readouterr().err
        monkeypatch.setenv("CCB_DATABASE_URL", "postgresql://localhost/ccb")
        monkeypatch.setenv("CCB_SECRET_KEY", Fernet.generate_key().decode())
    else:
        monkeypatch.delenv("CCB_DATABASE_URL")
    assert await place.ccb("restore", file, "--force") == 1
    assert "the settings name another database" in capsys.readouterr().err


async def test_over_a_damaged_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path / "data", None)
    monkeypatch.setenv("CCB_DATA_DIR", str(place.folder))
    async with place.running() as client:
        await client.install(package(HANDLER, "x", expected=LOGGED))
        file = (await backed_up(client))["file"]
    (place.folder / "ccb.db").write_bytes(b"SQLite format 3\0" + b"\1" * 9000)
    (place.folder / "ccb.db-wal").write_bytes(b"\2" * 5000)
    assert await place.ccb("restore", file) == 0, "nothing can be read that would be newer"
    (aside,) = place.folder.glob("before-restore-*")
    assert (aside / "ccb.db").read_bytes()[20:24] == b"\1" * 4
    async with place.running() as client:
        answer = await client.deliver("forward", {"n": 1})
        await client.ended(answer.json["event_id"])
