"""`ccb serve`: run the engine, and say what it found."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop
from rich.cells import cell_len
from rich.console import Group
from rich.text import Text as Line

from core import VERSION
from core.cli import screen
from core.cli.command import Session, command
from core.cli.language import said
from core.cli.settings import load_settings
from core.cli.starting import explained
from core.texts import TN, T

if TYPE_CHECKING:  # the engine takes a second to import, which no other command should wait for
    from core.bootstrap import Report, ServiceState

ORDER = ("slack", "github", "claude", "email")
"""The services as people meet them; others come after."""


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(
        parent,
        "serve",
        T("Run the engine until it is told to stop (Ctrl-C, SIGTERM)."),
        remote=False,
        loop=uvloop.new_event_loop,
    )(serve)


async def serve(
    session: Session,
    roles: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE,…", help=said(T("What this process does: http, worker, scheduler, slack. Else CCB_ROLES."))
        ),
    ] = None,
) -> None:
    """Run the engine; the banner comes once everything is up."""
    settings = load_settings(**({"CCB_ROLES": roles} if roles else {}))
    from core import bootstrap

    def ready(report: Report) -> None:
        if session.json:
            screen.write_json(dataclasses.asdict(report))
        else:
            console = session.console
            console.print(banner(report, width=console.width, program=program()), soft_wrap=True)

    with explained():
        await bootstrap.serve(settings, on_ready=ready)


def program(script: str | None = None) -> str:
    """Return how to call this command from here: `.venv/bin/ccb` when that is what was called, else `ccb`."""
    path = Path(script or sys.argv[0])
    return ".venv/bin/ccb" if path.absolute() == Path(".venv/bin/ccb").absolute() else "ccb"


def banner(report: Report, *, width: int, program: str) -> Group:
    """Return what a start shows: where, what is connected, the admin key, what to try."""
    head = " · ".join(
        part for part in (f"Claude Code Bot {VERSION}", _database(report.database), report.address) if part
    )
    lines = [Line(f"  {head}", style="bold"), *_states(report, width)]
    if report.admin_key:
        lines += _admin_key(report.admin_key, width)
    if report.address:
        lines += _try(program)
    return Group(*lines)


def _states(report: Report, width: int) -> list[Line]:
    """Return a line for the engine and one for each service, what would connect it included."""
    engine = said(T("engine"))
    services = sorted(report.services, key=lambda s: (ORDER.index(s.name) if s.name in ORDER else len(ORDER), s.name))
    column = max(cell_len(title) for title in [engine, *(service.title for service in services)]) + 4
    integrations = TN("{count} ready-made integration", "{count} ready-made integrations", report.gallery)
    workers = TN("{count} sandbox worker", "{count} sandbox workers", report.sandbox_workers)
    lines = [_state("✓", "green", engine, column, f"{said(integrations)}, {said(workers)}")]
    for service in services:
        if service.configured:
            lines.append(_state("✓", "green", service.title, column, said(T("configured"))))
        else:
            lines.append(_unconfigured(service, column, width, services))
    return lines


def _state(mark: str, style: str, title: str, column: int, text: str) -> Line:
    padded = title + " " * (column - cell_len(title))
    return Line.assemble("  ", (mark, style), f" {padded}{text}")


def _unconfigured(service: ServiceState, column: int, width: int, services: Sequence[ServiceState]) -> Line:
    names = max(cell_len(", ".join(s.settings)) for s in services if not s.configured)
    told, needs, hint = said(T("not configured")), ", ".join(service.settings), f"→ ccb init {service.name}"
    # A line as wide as the terminal is fine; one that is wider is set closer.
    longest = 4 + column + cell_len(told) + 3 + names + 3 + max(len(f"→ ccb init {s.name}") for s in services)
    gap = "   " if longest <= width else "  "
    line = _state("–", "dim", service.title, column, told + gap)
    line.append(needs.ljust(names) + gap, style="cyan")
    line.append(hint, style="dim")
    return line


def _admin_key(key: str, width: int) -> list[Line]:
    told = said(T("Your admin key, shown once:"))
    if 4 + cell_len(told) + len(key) <= width:
        return [Line.assemble(f"  {told}  ", (key, "bold yellow"))]
    return [Line(f"  {told}"), Line.assemble("    ", (key, "bold yellow"))]


def _try(program: str) -> list[Line]:
    steps = (
        ("install hello-webhook", T("a ready-made integration")),
        ("send hello-webhook", T("a signed sample event")),
        ("trace last", T("what happened to it")),
    )
    told = said(T("Try:"))
    column = max(len(call) for call, _ in steps) + 4
    return [
        Line.assemble(
            "  ",
            told if number == 0 else " " * cell_len(told),
            "  ",
            (f"{program} {call}", "cyan"),
            " " * (column - len(call)),
            (said(what), "dim"),
        )
        for number, (call, what) in enumerate(steps)
    ]


def _database(told: str) -> str:
    kind, _, folder = told.partition(" in ")
    if folder:
        return said(T("{kind} in {folder}", kind=kind, folder=folder))
    kind, _, place = told.partition(" at ")
    return said(T("{kind} at {place}", kind=kind, place=place))
