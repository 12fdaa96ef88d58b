"""`ccb events`: the newest events."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import screen
from core.cli.command import Session, command
from core.cli.language import said
from core.texts import T


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(parent, "events", T("List events, the newest first."))(events)


async def events(
    session: Session,
    integration: Annotated[
        str | None, typer.Option(metavar="INTEGRATION", help=said(T("Only those of this integration.")))
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            help=said(T("Only those that are queued, processing, succeeded, failed, dead, skipped or discarded.")),
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, metavar="N", help=said(T("At most so many.")))] = 20,
) -> None:
    """List events."""
    async with session.engine() as engine:
        found = await engine.get("/v1/events", integration=integration, status=status, limit=limit)
    if session.json:
        screen.write_json(found)
        return
    if not found:
        session.console.print(said(T("No events. Send one: ccb send <integration>")))
        return
    heads = (T("Event"), T("Status"), T("Integration"), T("Type"), T("Received"))
    rows = [
        (e["id"], screen.status(e["status"]), e["integration"], e["type"], screen.ago(e["timestamp"])) for e in found
    ]
    session.console.print(screen.table(heads, rows, whole=(0, 1)))
