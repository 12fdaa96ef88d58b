"""`ccb demo`: from an issue to a live event on stand-ins of GitHub, Claude and Slack, with no account at all."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import screen
from core.cli.command import Session, command
from core.cli.language import language, said
from core.cli.serve import program
from core.cli.starting import explained
from core.config import setting_names
from core.texts import T

if TYPE_CHECKING:  # the engine takes a second to import, which no other command should wait for
    from core.demo.moments import Moment
    from core.demo.stage import Stage

_LIBRARIES = ("ANTHROPIC_", "OTEL_", "AWS_", "GOOGLE_")
"""Beginnings of names that libraries read by themselves."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def add(parent: typer.Typer) -> None:
    """Add the command."""
    help = T("Show the whole way with no account: from an issue to a pull request to a live event, on stand-ins.")
    command(parent, "demo", help, remote=False)(demo)


async def demo(
    session: Session,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            show_default=False,
            help=said(T("Where its data goes; else a folder of its own among the temporary ones.")),
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help=said(T("The engine's port; 0 takes a free one.")))] = 0,
    fast: Annotated[bool, typer.Option("--fast", help=said(T("Make no pauses for reading.")))] = False,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help=said(T("Open the stand-in Slack in a browser, if there is one."))),
    ] = True,
) -> None:
    """Play the story, then leave everything running until it is told to stop."""
    _forget_accounts()
    from core import logs  # here: no other command should wait for these imports
    from core.cli import demo_browser, demo_screen
    from core.demo import folder as folders
    from core.demo import stage as stages
    from core.demo import story

    with explained():
        where = (folder or folders.usual()).absolute()
        replaced = folders.prepare(where)
        logs.configure("error")
        asyncio.get_running_loop().set_exception_handler(logs.unseen)
        stopping, tell = _stopping(), not session.json
        if tell:
            session.console.print(demo_screen.opening(where, replaced=replaced))
        async with AsyncExitStack() as stack:
            with demo_screen.waiting(session.console, quiet=not tell):
                stage = await stack.enter_async_context(stages.opened(where, port=port, language=language()))
            if tell:
                session.console.print(demo_screen.slack(stage.places.slack))
            if tell and browser and session.console.is_terminal and demo_browser.there(os.environ, sys.platform):
                demo_browser.show(stage.places.slack)
            playing = story.play(stage, pause=_no_pause if fast or session.json else asyncio.sleep)
            if await _unless(stopping, _shown(session, stage, playing)):
                await stopping.wait()
        if tell:
            session.console.print(demo_screen.stopped(where))


async def _shown(session: Session, stage: Stage, playing: AsyncIterator[Moment]) -> None:
    """Show the story, and then where to look."""
    from core.cli import demo_screen
    from core.demo import story
    from core.demo.moments import UnderWay

    if not session.json:
        console = session.console
        await demo_screen.play(console, playing, steps=story.length(stage.language))
        console.print(demo_screen.ending(stage.places, stage.folder, program=program()))
        return
    happened = [demo_screen.document(moment) async for moment in playing if not isinstance(moment, UnderWay)]
    screen.write_json({"folder": str(stage.folder), "places": dataclasses.asdict(stage.places), "story": happened})


async def _no_pause(_seconds: float) -> None:
    """Go on at once."""


def _stopping() -> asyncio.Event:
    """Return what is set by Ctrl-C and SIGTERM."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work unless it is stopped before its end; return whether it was done."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    done = working.done()
    working.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    if done:
        working.result()
    else:
        await asyncio.gather(working, return_exceptions=True)
    return done


def _forget_accounts() -> None:
    """Take what belongs to real accounts out of this process: a demonstration must not be able to use it."""
    ours = setting_names().keys() - {"CCB_LANGUAGE"}
    for name in list(os.environ):
        if name in ours or name.startswith(_LIBRARIES) or name.lower() in _PROXIES:
            del os.environ[name]
