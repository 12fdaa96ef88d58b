"""`ccb trace`: what happened to an event, step by step."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live

from core.cli import screen
from core.cli.client import Engine, path
from core.cli.command import Session, command
from core.cli.failure import refused
from core.cli.language import said
from core.cli.tree import header, next_steps, tree
from core.texts import T

FINAL = frozenset({"succeeded", "dead", "skipped", "discarded"})
POLL_SECONDS = 0.3


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(parent, "trace", T("Show what happened to an event, step by step."))(trace)


async def trace(
    session: Session,
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help=said(T("Its id, or `last` for the newest of your integrations.")))
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help=said(T("Go on until it has come to an end.")))] = False,
) -> None:
    """Show one event, once or until it is done."""
    async with session.engine() as engine:
        event_id = await _newest(engine) if event == "last" else event
        found, steps = await _look(engine, event_id)
        console = session.console
        live_picture = follow and console.is_terminal and not session.json
        while follow and not live_picture and not _settled(found):
            await asyncio.sleep(POLL_SECONDS)
            found, steps = await _look(engine, event_id)
        if session.json:
            screen.write_json({**found, "steps": steps})
            return
        if not live_picture:
            console.print(_drawn(found, steps, console.width))
            return
        with Live(_drawn(found, steps, console.width, following=True), console=console, auto_refresh=False) as live:
            while not _settled(found):
                await asyncio.sleep(POLL_SECONDS)
                found, steps = await _look(engine, event_id)
                live.update(_drawn(found, steps, console.width, following=True), refresh=True)


async def _newest(engine: Engine) -> str:
    newest = await engine.get("/v1/events", limit=1, own="false")
    if not newest:
        raise refused(T("There is no event yet. Send one: ccb send <integration>"), error="Not found")
    return str(newest[0]["id"])


async def _look(engine: Engine, event_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    # The steps second: what the event says of itself is then never newer than they are.
    found = await engine.get(path("events", event_id))
    steps = await engine.get(path("events", event_id, "steps"))
    return found, steps


def _settled(found: dict[str, Any]) -> bool:
    """Say whether nothing more happens by itself; what waits for a setting waits for a person."""
    return found["status"] in FINAL or found["waiting_for"] is not None


def _drawn(
    found: dict[str, Any], steps: list[dict[str, Any]], width: int, *, following: bool = False
) -> RenderableType:
    return Group(*header(found, width=width), *tree(steps, width=width), *next_steps(found, steps, following=following))
