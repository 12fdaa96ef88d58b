"""The demonstration in a terminal: what happened as lines that stay, what is under way as one that moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text as Line

from core.cli import screen
from core.cli.language import said
from core.cli.tree import header, tree
from core.demo.moments import Fact, Happened, Moment, Traced, UnderWay
from core.demo.stage import Places
from core.texts import T, Text

_MARKS = {"done": ("✓", "green"), "refused": ("✗", "yellow")}
_INDENT = 4
_WIDEST = 110
"""Columns beyond which text is hard to read."""


def opening(folder: Path, *, replaced: bool) -> RenderableType:
    """Return what is said first: what is real here, and what is not."""
    data = T("Its data goes to {folder}.", folder=str(folder))
    again = T("Its data goes to {folder}, in place of an earlier demonstration's.", folder=str(folder))
    lines = [
        T("GitHub, Claude and Slack are stand-ins on this machine, so no account is needed and nothing leaves it."),
        T("Claude's answers were recorded. The engine, its database and its sandbox are real."),
        again if replaced else data,
    ]
    title = f"Claude Code Bot · {said(T('a demonstration'))}"
    return Group(Line(""), Line(f"  {title}", style="bold"), *(screen.indented(said(line)) for line in lines), Line(""))


def waiting(console: Console, *, quiet: bool) -> AbstractContextManager[object]:
    """Show that everything is being started, as long as it takes."""
    if quiet or not console.is_terminal:
        return nullcontext()
    return console.status(said(T("The stand-ins and the engine are started")))


def slack(address: str) -> RenderableType:
    """Return where the stand-in Slack is looked at: from here on, while the story goes on."""
    told = T("Slack in your browser. Type /ccb help there, and watch #deploys:")
    return Group(screen.indented(Line(said(told), style="bold")), _line(address, "bold cyan"), Line(""))


def stopped(folder: Path) -> RenderableType:
    """Return what is said last."""
    told = T("Stopped. The data stays in {folder}; the next `ccb demo` begins anew.", folder=str(folder))
    return Group(Line(""), screen.indented(said(told)))


async def play(console: Console, story: AsyncIterator[Moment], *, steps: int) -> None:
    """Draw the story as it comes; where nobody watches (a pipe) only what happened is written."""
    progress = Progress(
        TextColumn(" "), SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=14),
        MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with progress:
        task = progress.add_task("", total=steps)
        async for moment in story:
            if isinstance(moment, UnderWay):
                progress.update(task, description=said(moment.what))
                continue
            console.print(drawn(moment, width=min(console.width, _WIDEST)))
            progress.advance(task)


def drawn(moment: Happened | Traced, *, width: int) -> RenderableType:
    """Return something that happened, drawn."""
    if isinstance(moment, Traced):
        return Group(*header(moment.event, width=width), *tree(moment.steps, width=width), Line(""))
    mark, style = _MARKS[moment.outcome]
    parts: list[RenderableType] = [screen.marked(mark, f"bold {style}", Line(_text(moment.what), style="bold"))]
    if moment.facts:
        parts.append(_facts(moment.facts))
    if moment.quote:
        parts.append(_quote(moment.quote))
    if moment.link:
        parts.append(_line(moment.link, "cyan"))
    if moment.command:
        parts.append(_line(f"$ {moment.command}", "cyan"))
    return Group(*parts, Line(""))


def ending(places: Places, folder: Path, *, program: str) -> RenderableType:
    """Return where to look from here on."""
    look = [
        (T("Slack"), places.slack),
        (T("The pull request"), places.pull),
        (T("The issue"), places.issue),
        (T("The REST API"), places.docs),
    ]
    calls = [
        ("trace last", T("what happened to the newest event")),
        ("events", T("all events, those of the bot's own webhook among them")),
        ("send sentry-to-slack --new", T("another error, which goes to Slack")),
        ("config sentry-to-slack", T("its configuration, secrets masked")),
    ]
    head = T(
        "That was the whole way. The engine goes on running until Ctrl-C; its data stays in {folder}.",
        folder=str(folder),
    )
    return Group(
        screen.indented(Line(said(head), style="bold")),
        Line(""),
        _columns([(said(name), address, "cyan") for name, address in look]),
        Line(""),
        screen.indented(said(T("Look at it from another terminal:"))),
        _line(f"export CCB_DATA_DIR={folder}", "cyan"),
        _columns([(f"{program} {call}", said(what), "dim") for call, what in calls], first="cyan"),
    )


def _columns(rows: Sequence[tuple[str, str, str]], *, first: str = "") -> RenderableType:
    column = max(cell_len(name) for name, _, _ in rows) + 3
    lines = [
        Line.assemble(" " * _INDENT, (name, first), " " * (column - cell_len(name)), (text, style))
        for name, text, style in rows
    ]
    return Group(*lines)


def _facts(facts: Sequence[Fact]) -> RenderableType:
    if not any(name for name, _ in facts):
        return Group(*(screen.indented(_text(text), by=_INDENT) for _, text in facts))
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(style="dim", no_wrap=True)
    shown.add_column(overflow="fold", max_width=_WIDEST - 30)
    for name, text in facts:
        shown.add_row(_text(name), _text(text))
    return screen.indented(shown, by=_INDENT)


def _quote(text: str) -> RenderableType:
    shown = Table.grid(padding=(0, 1, 0, 0))
    for line in text.splitlines():
        shown.add_row(Line("│", style="dim"), Line(screen.clean(line), style="yellow"))
    return screen.indented(shown, by=_INDENT)


def _line(text: str, style: str) -> RenderableType:
    return Line(" " * _INDENT + screen.clean(text), style=style, no_wrap=True, overflow="ignore")


def _text(text: Text | str) -> str:
    return screen.clean(said(text) if isinstance(text, Text) else text)


def document(moment: Happened | Traced) -> dict[str, Any]:
    """Return a moment as JSON."""
    if isinstance(moment, Traced):
        return {"step": moment.step, "event": moment.event["id"], "status": moment.event["status"]}
    facts = [{"name": _text(name), "text": _text(text)} for name, text in moment.facts]
    shown = {"step": moment.step, "what": _text(moment.what), "outcome": moment.outcome, "facts": facts}
    return shown | {"quote": moment.quote, "link": moment.link, "command": moment.command}
