"""The banner, and settings that are wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from core import VERSION
from core.bootstrap import Report, ServiceState
from core.cli import screen
from core.cli.app import run
from core.cli.language import language
from core.cli.serve import banner, program

KEY = "ccb_" + "8" * 49
REPORT = Report(
    address="http://127.0.0.1:8080",
    database="SQLite in ./data",
    gallery=9,
    sandbox_workers=2,
    admin_key=KEY,
    services=(
        ServiceState("claude", "Claude", False, ("ANTHROPIC_API_KEY",)),
        ServiceState("github", "GitHub", False, ("GITHUB_TOKEN",)),
        ServiceState("slack", "Slack", False, ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")),
    ),
)


def shown(report: Report, capsys: pytest.CaptureFixture[str], width: int = 100) -> list[str]:
    """Return the banner's lines."""
    screen.out().print(banner(report, width=width, program=".venv/bin/ccb"), soft_wrap=True)
    return capsys.readouterr().out.splitlines()


def test_the_first_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(REPORT, capsys) == [
        f"  Claude Code Bot {VERSION} · SQLite in ./data · http://127.0.0.1:8080",
        "  ✓ engine    9 ready-made integrations, 2 sandbox workers",
        "  – Slack     not configured   SLACK_BOT_TOKEN, SLACK_APP_TOKEN   → ccb init slack",
        "  – GitHub    not configured   GITHUB_TOKEN                       → ccb init github",
        "  – Claude    not configured   ANTHROPIC_API_KEY                  → ccb init claude",
        f"  Your admin key, shown once:  {KEY}",
        "  Try:  .venv/bin/ccb install hello-webhook    a ready-made integration",
        "        .venv/bin/ccb send hello-webhook       a signed sample event",
        "        .venv/bin/ccb trace last               what happened to it",
    ]


@pytest.mark.parametrize("spoken", ["en", "ru"])
def test_it_fits_80_columns(spoken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CCB_LANGUAGE", spoken)
    language.cache_clear()
    lines = shown(REPORT, capsys, 80)
    assert max(map(cell_len, lines)) <= 80
    assert f"    {KEY}" in lines


def test_a_later_start_of_a_node_without_http(capsys: pytest.CaptureFixture[str]) -> None:
    services = (replace(REPORT.services[2], configured=True),)
    later = replace(REPORT, admin_key=None, address="", database="PostgreSQL at db/ccb", gallery=1, services=services)
    assert shown(later, capsys) == [
        f"  Claude Code Bot {VERSION} · PostgreSQL at db/ccb",
        "  ✓ engine    1 ready-made integration, 2 sandbox workers",
        "  ✓ Slack     configured",
    ]


def test_commands_are_named_as_they_can_be_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert program(str(tmp_path / ".venv/bin/ccb")) == ".venv/bin/ccb"
    assert program(".venv/bin/ccb") == ".venv/bin/ccb"
    assert program("/usr/local/bin/ccb") == "ccb"


def test_wrong_settings_are_named_each_on_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("CCB_PORT=99999\nCCB_LOG_LEVEL=loud\n")
    monkeypatch.setenv("CCB_ADMIN_KEY", "hunter2hunter2")
    assert run(["serve"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].strip() == "✗ 3 settings are wrong:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["CCB_PORT", "CCB_LOG_LEVEL", "CCB_ADMIN_KEY"]
    assert "at most 65535" in lines[1]
    assert not any("hunter2" in line for line in lines)


def test_wrong_settings_as_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CCB_DATABASE_URL", "postgresql://db/ccb")
    assert run(["serve", "--json"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err)["problems"] == [
        "CCB_SECRET_KEY must be set with CCB_DATABASE_URL: all nodes need the same key"
    ]
