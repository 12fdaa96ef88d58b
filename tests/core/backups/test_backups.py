"""Backups through the engine's doors: made, listed, reported, refused; and what is said where they fail."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from core.backups import Keeper
from core.backups.examining import examine
from core.clock import moment
from core.config import Settings
from core.errors import CcbError, Invalid
from storage import migrate
from tests.contexts import MovableClock
from tests.core.backups.conftest import TOOLS, Place, backed_up, ended, rows
from tests.engines import Answer, running
from tests.packages import package

HANDLER = 'def handle(event: dict, config: dict) -> list[dict]:\n    return [{"type": "log", "message": "got it"}]\n'
LOGGED = [{"type": "log", "message": "got it"}]


async def test_made_now_listed_and_in_the_audit(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    async with place.running() as client:
        await client.install(package(HANDLER, "x", expected=LOGGED))
        event = (await client.deliver("forward", {"n": 1})).json["event_id"]
        await client.ended(event)
        first = await backed_up(client)
        assert (first["kind"], first["asked_by"], first["revision"]) == (place.kind, "local", migrate.newest())
        assert first["counts"]["events"] == 1 and len(first["key_fingerprints"]) == 1
        file = Path(first["file"])
        assert file.parent == place.folder / "backups" and file.stat().st_size == first["size"]
        for path in (file, file.with_name(f"{file.name}.json")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert json.loads(file.with_name(f"{file.name}.json").read_text())["sha256"] == first["sha256"]
        found = await asyncio.to_thread(examine, file)
        assert found.counts["events"] == 1
        assert await place.ccb("backup", "--json") == 0
        second = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert [b["id"] for b in await client.ask("GET", "/v1/backups")] == [second["id"], first["id"]]
        assert (await client.ask("GET", f"/v1/backups?limit=1&after={second['id']}"))[0]["id"] == first["id"]
        logged = await client.ask("GET", "/v1/changelog?action=backup.made")
        assert [entry["subject"] for entry in logged] == [second["id"], first["id"]]
        assert {change["key"] for change in logged[0]["changes"]} == {"file", "size", "sha256"}
        assert len(place.files) == 4
        assert await place.ccb("backup", "list") == 0
        assert file.name in capsys.readouterr().out
        assert await place.ccb("backup", "--reported", "--note", "on tape") == 0
        assert "a backup was made elsewhere at" in capsys.readouterr().out
        assert (await client.ask("GET", "/v1/backups"))[0]["note"] == "on tape"
        assert await place.ccb("backup", "--note", "on tape") == 2
    assert await place.ccb("backup", "list", "--json") == 0, "where no engine runs, what is in the folder"
    assert [one["id"] for one in json.loads(capsys.readouterr().out.splitlines()[-1])] == [second["id"], first["id"]]
    if place.kind == "sqlite":
        assert rows(str(file), "SELECT id FROM events") == [(event,)]
        assert not any(name.endswith(("-wal", "-shm", "-journal")) for name in place.files)
    manifest = file.with_name(f"{file.name}.json").read_text()
    key = place.given.get("CCB_SECRET_KEY") or (place.folder / "secret.key").read_text()
    assert key not in manifest and key.encode() not in file.read_bytes()


async def test_made_elsewhere(tmp_path: Path, clock: MovableClock) -> None:
    async with running(tmp_path, clock=clock, CCB_BACKUPS="elsewhere", CCB_RATE_LIMIT=0) as client:
        report = {"made_elsewhere": {"at": "2h", "note": "snapshot of the disk"}}
        made = await client.ask("POST", "/v1/backups", report, status=201)
        assert (made["kind"], made["status"], made["note"]) == ("elsewhere", "succeeded", "snapshot of the disk")
        assert made["made_at"] == moment(clock.now() - 7200) and made["file"] is None
        ahead = {"made_elsewhere": {"at": moment(clock.now() + 3600)}}
        refused = await client.ask("POST", "/v1/backups", ahead, status=422)
        assert "future" in refused["message"]
        assert len(await client.ask("GET", "/v1/backups")) == 1
        (entry,) = await client.ask("GET", "/v1/changelog?action=backup.reported")
        assert entry["subject"] == made["id"]
        await client.ask("GET", "/v1/backups/bak_none", status=404)
        await client.ask("POST", "/v1/backups", {"made_elsewhere": {"when": 1}}, status=422)
        health = (await client.ask("GET", "/health?fresh=true"))["dependencies"]["backup"]
        assert health["status"] == "ok" and "The newest backup is of" in health["detail"]
        clock.move(26 * 3600)
        health = (await client.ask("GET", "/health?fresh=true"))["dependencies"]["backup"]
        assert health["status"] == "degraded"
        assert not (tmp_path / "backups").exists(), "the engine makes none itself"


async def test_permissions(tmp_path: Path) -> None:
    async with running(tmp_path) as client:
        for allowed, status in (("backup.read", (200, 403)), ("backup.write", (403, 202)), ("admin", (200, 202))):
            body = {"name": allowed, "permissions": [allowed]}
            key = (await client.ask("POST", "/v1/auth/tokens", body, status=201))["token"]
            url, headers = f"{client.engine.report.address}/v1/backups", {"Authorization": f"Bearer {key}"}
            async with client.public.get(url, headers=headers) as listed:
                assert listed.status == status[0]
            async with client.public.post(url, headers=headers) as made:
                assert made.status == status[1]
                assert (made.status == 202) == made.headers.get("Location", "").startswith("/v1/backups/bak_")


async def test_one_is_made_for_all_who_ask_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path, CCB_ROLES="http,worker") as client:  # nobody makes it
        asked = [await client.ask("POST", "/v1/backups", status=202) for _ in range(3)]
        assert len({backup["id"] for backup in asked}) == 1 and asked[0]["status"] == "waiting"


async def test_daily_without_being_asked(tmp_path: Path, clock: MovableClock) -> None:
    async with running(tmp_path, clock=clock, CCB_BACKUPS="engine", CCB_BACKUP_KEEP=2) as client:

        async def count(number: int) -> Any:
            async with asyncio.timeout(20):
                while (
                    len(found := await client.ask("GET", "/v1/backups")) < number or found[0]["status"] != "succeeded"
                ):
                    await asyncio.sleep(0.05)
            return found

        (first,) = await count(1)
        assert first["asked_by"] == "system"
        health = (await client.ask("GET", "/health?fresh=true"))["dependencies"]["backup"]
        assert health["status"] == "ok" and "the next is due at 2023-11-15T03:00:00.000Z" in health["detail"]
        clock.move(86_400)
        await count(2)
        clock.move(86_400)
        async with asyncio.timeout(20):
            while [b["id"] for b in await client.ask("GET", "/v1/backups")][-1] == first["id"]:
                await asyncio.sleep(0.05)
        kept = await client.ask("GET", "/v1/backups")
        assert len(kept) == 2 and not Path(first["file"]).exists()
        (newest, *_) = await client.ask("GET", "/v1/changelog?action=backup.made")
        assert {"key": "deleted", "from": None, "to": [Path(first["file"]).name]} in newest["changes"]
        Path(kept[0]["file"]).unlink()
        health = (await client.ask("GET", "/health?fresh=true"))["dependencies"]["backup"]
        assert f"is of {kept[0]['made_at']}" not in health["detail"], "one whose file is gone is none"


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    given: dict[str, Any] = {"CCB_BACKUP_DIR": tmp_path / "file" / "backups"}
    async with running(tmp_path / "data", **given) as client:
        failed = await ended(client, await client.ask("POST", "/v1/backups", status=202), "failed")
        assert "cannot be written: Not a directory" in failed["error"]
        (entry,) = await client.ask("GET", "/v1/changelog?action=backup.failed")
        assert entry["subject"] == failed["id"] and "Not a directory" in entry["why"]
        (listed,) = await client.ask("GET", "/v1/backups")
        assert listed["finished_at"] is not None
        off = (await client.ask("GET", "/health"))["dependencies"]["backup"]
        assert off == {"status": "not_configured", "settings": ["CCB_BACKUPS"]}


async def test_two_nodes_make_one(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    given: dict[str, Any] = {
        "CCB_DATABASE_URL": postgres_url,
        "CCB_SECRET_KEY": Fernet.generate_key().decode(),
        "CCB_ROLES": "http",
    }
    folders = tmp_path / "one", tmp_path / "two"
    async with running(folders[0], **given) as one, running(folders[1], **given) as two:
        asked = await one.ask("POST", "/v1/backups", status=202)
        keepers = [Keeper(client.engine.ctx) for client in (one, two)]
        await asyncio.gather(*(keeper.look() for keeper in keepers))
        made = await ended(two, asked)
        there = [path for folder in folders for path in folder.glob("backups/*.dump")]
        assert [str(path) for path in there] == [made["file"]]


async def test_what_pg_dump_says(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    password = "the-password-of-the-database"
    url = postgres_url.replace("postgres:@", f"postgres:{password}@")
    assert password in url
    given: dict[str, Any] = {"CCB_DATABASE_URL": url, "CCB_SECRET_KEY": Fernet.generate_key().decode()}
    async with running(tmp_path / "data", **given) as client:
        failed = await ended(client, await client.ask("POST", "/v1/backups", status=202), "failed")
        assert "pg_dump is not found" in failed["error"] and "CCB_BACKUPS=elsewhere" in failed["error"]
        tool = tools / "pg_dump"
        tool.write_text('#!/bin/sh\necho "no: $PGPASSWORD, $CCB_SECRET_KEY, $*" >&2; exit 1\n')
        tool.chmod(0o755)
        failed = await ended(client, await client.ask("POST", "/v1/backups", status=202), "failed")
        assert "pg_dump failed: no: ***, , --dbname=postgresql://postgres@" in failed["error"]
        assert password not in str(await client.ask("GET", "/v1/backups"))
        assert list((tmp_path / "data" / "backups").iterdir()) == [tmp_path / "data" / "backups" / ".lock"]


async def test_a_stop_waits_for_no_pg_dump(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tools, pid = tmp_path / "tools", tmp_path / "pid"
    tools.mkdir()
    (tools / "pg_dump").write_text(f"#!/bin/sh\necho $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 600\n")
    (tools / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    given: dict[str, Any] = {"CCB_DATABASE_URL": postgres_url, "CCB_SECRET_KEY": Fernet.generate_key().decode()}
    async with asyncio.timeout(30):
        async with running(tmp_path / "data", **given) as client:
            asked = await client.ask("POST", "/v1/backups", status=202)
            while not pid.exists():
                await asyncio.sleep(0.02)
            assert (await client.ask("GET", f"/v1/backups/{asked['id']}"))["status"] == "running"
            assert [path.suffix for path in (tmp_path / "data" / "backups").glob("ccb-*")] == [".part"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert list((tmp_path / "data" / "backups").glob("ccb-*")) == []
    async with running(tmp_path / "data", **given, CCB_ROLES="http") as client:
        assert (await client.ask("GET", f"/v1/backups/{asked['id']}"))["status"] == "waiting", "it is begun anew"


async def test_ingest_goes_on_meanwhile(tmp_path: Path) -> None:
    """Deliveries are answered while a backup is made; none that was answered is missing from it or from the engine."""
    async with running(tmp_path) as client:
        await client.install(package(HANDLER, "x", expected=LOGGED))
        asked = await client.ask("POST", "/v1/backups", status=202)
        answers: list[Answer] = []
        while asked["status"] in ("waiting", "running"):
            answers.append(await client.deliver("forward", {"n": 1}, delivery_id=f"msg_{len(answers)}"))
            asked = await client.ask("GET", f"/v1/backups/{asked['id']}")
        assert {answer.status for answer in answers} == {202}
        assert asked["status"] == "succeeded" and asked["counts"]["events"] <= len(answers)


@pytest.mark.parametrize("every", ["59m", "31d", "daily"])
def test_an_interval_that_makes_no_sense(every: str) -> None:
    with pytest.raises(ValueError, match="CCB_BACKUP_EVERY"):
        Settings(CCB_BACKUP_EVERY=every)
    assert Settings(CCB_BACKUP_EVERY="6h").backup_seconds == 21_600


async def test_a_damaged_one_is_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    async with place.running() as client:
        file = Path((await backed_up(client))["file"])
    whole = file.read_bytes()
    assert await place.ccb("backup", "verify", str(file)) == 0
    assert "is good" in capsys.readouterr().out
    file.write_bytes(whole[:2000] + b"\0\1\2" + whole[2003:])
    assert await place.ccb("backup", "verify", str(file)) == 1
    assert "SHA-256 is not the one in its manifest" in capsys.readouterr().err
    file.write_bytes(whole[: len(whole) // 2])
    assert await place.ccb("restore", str(file), "--force") == 1
    assert "bytes, and its manifest says" in capsys.readouterr().err
    file.with_name(f"{file.name}.json").unlink()
    assert await place.ccb("backup", "verify", str(file), "--json") == 1
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["error"] == "Backup damaged"
    file.write_bytes(b"something else")
    with pytest.raises(Invalid, match="neither"):
        examine(file)
    with pytest.raises(CcbError, match="cannot be read"):
        examine(file.with_name("nothing"))
