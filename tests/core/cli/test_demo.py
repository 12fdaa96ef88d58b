"""The demonstration in a terminal: what each moment looks like, and what of the environment is forgotten."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from core.cli import demo, demo_browser, demo_screen
from core.cli.app import run
from core.cli.language import language
from core.config import setting_names
from core.demo import recording
from core.demo.moments import Happened
from core.demo.stage import Places
from core.texts import T

PLACES = Places(
    engine="http://127.0.0.1:45678",
    docs="http://127.0.0.1:45678/docs",
    github="http://127.0.0.1:45679/acme/integrations",
    issue="http://127.0.0.1:45679/acme/integrations/issues/1",
    pull="http://127.0.0.1:45679/acme/integrations/pull/2",
    slack=f"http://127.0.0.1:45670/?key={'k' * 22}",
)


def shown(drawn: RenderableType, *, width: int = 100) -> list[str]:
    """Return what stands in a terminal."""
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    console.print(drawn)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_what_happened() -> None:
    moment = Happened(
        "published",
        T("It is open"),
        facts=[(T("may do"), "log"), ("cost", "1 USD")],
        link="http://x/1",
        command="ccb x",
    )
    assert shown(demo_screen.drawn(moment, width=100)) == [
        "  ✓ It is open",
        "    may do  log",
        "    cost    1 USD",
        "    http://x/1",
        "    $ ccb x",
        "",
    ]


def test_what_was_refused_says_so_without_colour() -> None:
    moment = Happened("refused", T("No"), outcome="refused", quote="handler.py:1\n\x1b[31mKeyError\u202e")
    assert shown(demo_screen.drawn(moment, width=100)) == ["  ✗ No", "    │ handler.py:1", "    │ �[31mKeyError�", ""]


@pytest.mark.parametrize("spoken", ["en", "ru"])
def test_it_fits_80_columns(spoken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCB_LANGUAGE", spoken)
    language.cache_clear()
    issue = Happened("issue", T("{told}", told="x " * 60), facts=list(recording.load(spoken).fields.items()))
    parts = [
        demo_screen.opening(Path("/tmp/ccb-demo-me"), replaced=True),
        demo_screen.drawn(issue, width=80),
        demo_screen.slack(PLACES.slack),
        demo_screen.ending(PLACES, Path("/tmp/ccb-demo-me"), program=".venv/bin/ccb"),
    ]
    assert max(cell_len(line) for part in parts for line in shown(part, width=80)) <= 80


@pytest.mark.parametrize(
    ("environ", "platform", "seen"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_where_somebody_sees_it(environ: dict[str, str], platform: str, seen: bool) -> None:
    assert demo_browser.there(environ, platform) == seen


def test_the_environments_accounts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [*setting_names(), "ANTHROPIC_AUTH_TOKEN", "OTEL_EXPORTER_OTLP_ENDPOINT", "https_proxy", "HTTP_PROXY"]
    gone.remove("CCB_LANGUAGE")
    for name in gone:
        monkeypatch.setenv(name, "real")
    demo._forget_accounts()
    assert not [name for name in gone if name in os.environ] and "PATH" in os.environ
    assert os.environ["CCB_LANGUAGE"] == "en"


def test_somebody_elses_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").touch()
    assert run(["demo", "--folder", str(tmp_path)]) == 1
    assert "--folder" in capsys.readouterr().err and (tmp_path / "mine").exists()


async def test_it_is_stopped_in_the_middle() -> None:
    stopping, begun = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    going = asyncio.create_task(demo._unless(stopping, work()))
    await begun.wait()
    stopping.set()
    assert not await going


async def test_what_fails_ends_it() -> None:
    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await demo._unless(asyncio.Event(), work())
