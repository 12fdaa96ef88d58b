"""The command line's manners where no engine runs: help, wrong usage, exit codes, two languages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core import VERSION
from core.cli.app import run
from core.cli.client import Engine
from core.cli.failure import REFUSED, UNREACHABLE, CliError


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["trace"], 2, "EVENT"),
        (["bogus"], 2, "There is no command bogus"),
        (["keys", "bogus"], 2, "There are: list, create, revoke"),
        (["events", "--bogus"], 2, "There is no option --bogus"),
        (["events", "--limit", "x"], 2, "--limit"),
        (["events", "--url", "nonsense"], 2, "no address of an engine"),
        (["events", "--url", "http://127.0.0.1:1"], 3, "No engine answers at http://127.0.0.1:1: Connection refused"),
        (["events"], 3, "`make run`"),
        (["send", "x", "missing.json"], 2, "There is no file missing.json"),
        (["config", "x", "y"], 2, "key=value"),
    ],
)
def test_failures(arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == code
    seen = capsys.readouterr()
    assert seen.out == ""
    assert told in seen.err
    assert "\x1b" not in seen.err


def test_failures_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["events", "--json"]) == UNREACHABLE
    seen = capsys.readouterr()
    assert seen.out == ""
    assert json.loads(seen.err)["error"] == "Engine not reachable"


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"ccb {VERSION}\n"
    assert run(["send", "--help"]) == 0
    assert "--times" in capsys.readouterr().out
    assert run([]) == 2


def test_the_database_is_upgraded_without_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["db", "upgrade", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["before"] is None
    assert run(["db", "upgrade"]) == 0
    assert "nothing to do" in capsys.readouterr().out


async def test_an_engine_is_told_from_anything_else_that_answers() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>", content_type="text/html")

    async def refusal(request: web.Request) -> web.Response:
        body = {"error": "Conflict", "message": "Нет.", "request_id": "req_1", "missing": ["a"]}
        assert request.headers["Accept-Language"] == "en"
        assert request.headers["Authorization"] == "Bearer ccb_x"
        return web.json_response(body, status=409)

    app = web.Application()
    app.router.add_get("/v1/page", page)
    app.router.add_post("/v1/refusal", refusal)
    async with TestServer(app) as server, Engine(url=str(server.make_url("")), key="ccb_x", socket=Path()) as engine:
        with pytest.raises(CliError, match="not this engine") as caught:
            await engine.get("/v1/page")
        assert caught.value.code == UNREACHABLE
        with pytest.raises(CliError, match=r"Нет\.") as caught:
            await engine.post("/v1/refusal")
        assert caught.value.code == REFUSED
        assert caught.value.document == {
            "error": "Conflict", "message": "Нет.", "request_id": "req_1", "missing": ["a"],
        }  # fmt: skip


@pytest.mark.slow
def test_help_in_russian() -> None:
    environment = {**os.environ, "CCB_LANGUAGE": "ru", "COLUMNS": "80"}
    call = [sys.executable, "-c", "from core.cli import main; main()", "send", "--help"]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    assert "Показать эту справку" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert not {"Usage", "Options", "Arguments", "default", "required"} & set(done.stdout.replace(":", " ").split())
