"""`ccb serve`: run the engine, and say what it found."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.cells import cell_len
from rich.console import Group
from rich.text import Text as Line

from core import VERSION
from core.cli import screen
from core.cli.command import Session, command
from core.cli.language import said
from core.cli.settings import load_settings
from core.cli.starting import explained
from core.texts import TN, T, Text

if TYPE_CHECKING:  # the engine takes a second to import, which no other command should wait for
    from core.bootstrap import Report, ServiceState

Item = TypeVar("Item")
_GAPS = ((4, 3, 3), (3, 2, 2), (2, 1, 1))
TITLES = {"slack": "Slack", "github": "GitHub", "claude": "Claude", "email": "E-mail"}
"""The services as people meet them; others come after."""


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(
        parent,
        "serve",
        T("Run the engine until it is told to stop (Ctrl-C, SIGTERM)."),
        remote=False,
        loop=_uvloop,
    )(serve)


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop  # here: no other command needs it

    return uvloop.new_event_loop()


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


def in_order(services: Iterable[Item], *, key: Callable[[Item], str]) -> list[Item]:
    """Return services (`key`: the name of one) in the order in which people meet them."""
    known = list(TITLES)
    return sorted(services, key=lambda item: (known.index(key(item)) if key(item) in known else len(known), key(item)))


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
        lines += _shown_once(T("Your admin key, shown once:"), report.admin_key, width)
    if report.claim_code:
        lines += _shown_once(T("To be Slack's first admin, type there:"), f"/ccb claim {report.claim_code}", width)
    if report.address:
        lines += _try(program)
    return Group(*lines)


def _states(report: Report, width: int) -> list[Line]:
    """Return a line for the engine and one for each service, with what would connect it."""
    services = in_order(report.services, key=lambda service: service.name)
    found = TN("{count} ready-made integration", "{count} ready-made integrations", report.gallery)
    workers = TN("{count} sandbox worker", "{count} sandbox workers", report.sandbox_workers)
    rows = [[said(T("engine")), f"{said(found)}, {said(workers)}"], *(_service(service) for service in services)]
    whole = [row for row in rows if len(row) > 2]
    columns = [
        max((cell_len(row[n]) for row in among), default=0) for n, among in enumerate((rows, whole, whole, whole))
    ]
    # The gaps are those of a wide terminal where they fit, else narrower ones.
    gaps = next((gaps for gaps in _GAPS if 4 + sum(columns) + sum(gaps) <= width), _GAPS[-1])
    return [_row(row, columns, gaps) for row in rows]


def _service(service: ServiceState) -> list[str]:
    if service.configured:
        return [service.title, said(T("configured"))]
    return [service.title, said(T("not configured")), ", ".join(service.settings), f"→ ccb init {service.name}"]


def _row(row: Sequence[str], columns: Sequence[int], gaps: Sequence[int]) -> Line:
    there = len(row) == 2
    line = Line.assemble("  ", ("✓", "green") if there else ("–", "dim"), " ")
    for number, (text, style) in enumerate(zip(row, ("", "", "cyan", "dim"), strict=False)):
        last = number == len(row) - 1
        line.append(text, style=style)
        line.append("" if last else " " * (columns[number] - cell_len(text) + gaps[number]))
    return line


def _shown_once(what: Text, secret: str, width: int) -> list[Line]:
    told = said(what)
    if 4 + cell_len(told) + len(secret) <= width:
        return [Line.assemble(f"  {told}  ", (secret, "bold yellow"))]
    return [Line(f"  {told}"), Line.assemble("    ", (secret, "bold yellow"))]


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
