"""The commands against a real engine, started as `ccb serve` would be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.cli.app import run

pytestmark = pytest.mark.slow

CCB = [sys.executable, "-c", "from core.cli import main; main()"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A running engine: what it reported, and `folder`, where it runs."""
    folder = tmp_path_factory.mktemp("engine")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CCB_")}
    environment |= {"CCB_PORT": "0", "CCB_RETRY_BASE_SECONDS": "0.05", "CCB_LOG_LEVEL": "warning", "CCB_BACKUPS": "off"}
    with subprocess.Popen([*CCB, "serve", "--json"], cwd=folder, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        report: dict[str, Any] = json.loads(process.stdout.readline())
        yield {**report, "folder": folder, "pid": process.pid}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


@pytest.fixture(autouse=True)
def _here(engine: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(engine["folder"])


@pytest.fixture
def ccb(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command that must succeed; return its JSON, or its text without `--json`."""

    def call(*arguments: str) -> Any:
        code = run(arguments)
        seen = capsys.readouterr()
        assert code == 0, seen.err
        return json.loads(seen.out) if "--json" in arguments else seen.out

    return call


def test_install_send_trace_and_send_again(ccb: Any) -> None:
    made = ccb("install", "hello-webhook", "--slug", "hello", "--json")
    assert (made["slug"], made["status"]) == ("hello", "active")
    assert made["webhook_secret"].startswith("whsec_")

    sent = ccb("send", "hello", "--json")
    assert (sent["http_status"], sent["status"]) == (202, "queued")

    deadline = time.monotonic() + 20
    while ccb("trace", sent["event_id"], "--json")["status"] != "succeeded":
        assert time.monotonic() < deadline
    traced = ccb("trace", sent["event_id"], "--follow", "--json")
    names = [step["name"] for step in traced["steps"]]
    assert names == ["receive", "verify", "deduplicate", "transform", "log"]
    drawn = ccb("trace", sent["event_id"])
    assert sent["event_id"] in drawn
    assert "└─ log" in drawn
    assert "\x1b" not in drawn

    again = ccb("send", "hello")
    assert "duplicate" in again
    assert "--new" in again
    assert sent["event_id"] in again
    fresh = ccb("send", "hello", "--new", "--json")
    assert fresh["status"] == "queued"
    assert fresh["event_id"] != sent["event_id"]
    assert ccb("trace", "last", "--json")["id"] == fresh["event_id"]


def test_what_an_installation_tells(ccb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    listed = ccb("install")
    assert "hello-webhook" in listed
    assert "http-forward" in listed

    assert run(["install", "http-forward"]) == 2
    assert "--config target_url=" in capsys.readouterr().err

    told = ccb(
        "install", "http-forward", "--slug", "forward", "-c", "target_url=https://api.example.com/x", "-c", "types=a,b"
    )
    assert "send HTTP requests to api.example.com" in told
    assert "/webhooks/int_" in told
    assert "whsec_" in told
    assert ccb("config", "forward", "--json")["types"] == ["a", "b"]

    later = ccb("install", "http-forward", "--slug", "later", "--no-activate", "--json")
    assert (later["status"], later["missing"]) == ("inactive", ["target_url"])


def test_configuration_by_the_types_of_its_schema(ccb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("-c", "target_url=https://api.example.com/x", "-c", "retry_attempts=3")
    ccb("install", "http-forward", "--slug", "typed", *given, "--json")
    assert ccb("config", "typed", "--json")["retry_attempts"] == 3
    changed = ccb("config", "typed", "retry_attempts=2", "idempotency_enabled=no", "token=0123456789abcdef", "--json")
    assert (changed["retry_attempts"], changed["idempotency_enabled"]) == (2, False)
    assert "0123456789" not in changed["token"]
    assert "token" not in ccb("config", "typed", "token=", "--json")
    ccb("config", "typed", "webhook_secret=whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz")
    assert run(["config", "typed", "bogus=1"]) == 1
    assert "bogus" in capsys.readouterr().err


def test_pause_and_activate(ccb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ccb("install", "hello-webhook", "--slug", "paused", "--json")
    assert ccb("pause", "paused", "--json")["status"] == "paused"
    assert run(["send", "paused", "--json"]) == 1
    assert json.loads(capsys.readouterr().err)["error"] == "Integration inactive"
    assert "active" in ccb("activate", "paused")
    assert "paused" in ccb("integrations")


def test_a_payload_of_ones_own_and_many_at_once(ccb: Any, tmp_path: Path) -> None:
    ccb("install", "hello-webhook", "--slug", "own", "--json")
    payload = tmp_path / "own.json"
    payload.write_text('{"message": "hi"}')
    first = ccb("send", "own", str(payload), "--json")
    assert ccb("send", "own", str(payload), "--json") == {
        "http_status": 200, "milliseconds": pytest.approx(0, abs=60_000), "event_id": first["event_id"],
        "status": "duplicate",
    }  # fmt: skip
    many = ccb("send", "own", "--times", "20", "--json")
    assert many["answers"] == {"202 queued": 20}
    assert len(ccb("events", "--integration", "own", "--limit", "30", "--json")) == 21
    assert "own" in ccb("events", "--integration", "own", "--limit", "1")


def test_keys_and_another_machine(ccb: Any, engine: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    made = ccb("keys", "create", "ci", "-p", "integrations.read,events.read", "--expires", "30d", "--json")
    remote = ["--url", engine["address"], "--key", made["token"]]
    assert isinstance(ccb("integrations", *remote, "--json"), list)
    assert run(["pause", "hello", *remote]) == 1
    assert run(["integrations", "--url", engine["address"]]) == 2
    assert "--key" in capsys.readouterr().err
    assert "ci" in ccb("keys", "list")
    ccb("keys", "revoke", made["id"])
    assert run(["integrations", *remote]) == 1


def test_a_second_engine_is_refused_in_words(engine: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve"]) == 1
    assert f"process {engine['pid']}" in capsys.readouterr().err
    assert run(["db", "upgrade"]) == 1


def test_an_error_is_in_the_readers_language(engine: dict[str, Any]) -> None:
    environment = {**os.environ, "CCB_LANGUAGE": "ru"}
    call = [*CCB, "trace", "evt_none"]
    done = subprocess.run(call, env=environment, cwd=engine["folder"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "evt_none" in done.stderr
    assert "нет" in done.stderr


def test_dashboard_prints_a_link(engine: dict[str, Any], ccb: Any) -> None:
    link = ccb("dashboard", "--json")
    assert link["local_url"].startswith(f"{engine['address']}/dashboard/link#") and link["expires_at"]
    said = ccb("dashboard")
    assert "works once" in said and "/dashboard/link#" in said and link["url"] not in said
