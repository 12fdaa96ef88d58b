"""How things look in the terminal: numbers, times, tables, marks; a mark says with a symbol what it says in colour."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Line

from core import durations
from core.cli.language import language, said
from core.texts import T, Text

PIPED_WIDTH = 200
"""Columns when nobody looks at it: enough that no line of ours is broken."""

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

STATUS: dict[str, tuple[str, str, Text]] = {
    "queued": ("○", "cyan", T("queued")),
    "processing": ("●", "cyan", T("processing")),
    "succeeded": ("✓", "green", T("succeeded")),
    "failed": ("✗", "yellow", T("failed")),
    "dead": ("✗", "red", T("dead")),
    "skipped": ("–", "dim", T("skipped")),
    "discarded": ("–", "dim", T("discarded")),
    "requested": ("○", "cyan", T("requested")),
    "generating": ("●", "cyan", T("generating")),
    "inactive": ("○", "yellow", T("inactive")),
    "active": ("✓", "green", T("active")),
    "paused": ("‖", "yellow", T("paused")),
    "waiting": ("○", "cyan", T("waiting")),
    "running": ("●", "cyan", T("running")),
}
"""The mark, the colour and the word of every status."""


def out(*, stderr: bool = False) -> Console:
    """Return a console on standard output (or error); piped, it has no colours and breaks no lines."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def clean(value: Any) -> str:
    """Return text from elsewhere without what a terminal would obey: control characters, changes of direction."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", str(value).replace("\t", " "))


def write_json(document: Any, *, stderr: bool = False) -> None:
    """Write one JSON document on one line."""
    stream = sys.stderr if stderr else sys.stdout
    stream.write(orjson.dumps(document).decode() + "\n")
    stream.flush()


def indented(text: RenderableType, *, by: int = 2) -> Padding:
    """Return something set in, all its lines."""
    return Padding(text, (0, 0, 0, by), expand=False)


def marked(mark: str, style: str, text: str | Line, *, by: int = 2) -> Padding:
    """Return a sentence behind a mark, its further lines below its first."""
    drawn = Table.grid(padding=(0, 1, 0, 0))
    drawn.add_row(Line(mark, style=style), text if isinstance(text, Line) else Line(text))
    return indented(drawn, by=by)


def status(name: str) -> Line:
    """Return a status as mark and word."""
    mark, style, word = STATUS.get(name, ("?", "", T("{status}", status=clean(name))))
    return Line(f"{mark} {said(word)}", style=style)


def table(heads: Sequence[Text], rows: Iterable[Sequence[str | Line]], *, whole: Sequence[int] = (0,)) -> Table:
    """Return a table without lines; the columns in `whole` are never broken, for they are there to be copied."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold underline")
    for number, head in enumerate(heads):
        drawn.add_column(said(head), no_wrap=number in whole, overflow="fold")
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Line) else Line(clean(cell)) for cell in row))
    return drawn


def number(value: float, form: str = "#,##0") -> str:
    """Return a number as the reader writes it (Unicode TR35 number patterns)."""
    return format_decimal(value, format=form, locale=language())


def size(count: int) -> str:
    """Return a number of bytes as the reader writes it, in units of 1,000: `10.1 KB`, `2.4 MB`."""
    if count < 1_000_000:
        return said(T("{n} KB", n=number(count / 1e3, "#,##0.#")))
    if count < 1_000_000_000:
        return said(T("{n} MB", n=number(count / 1e6, "#,##0.#")))
    return said(T("{n} GB", n=number(count / 1e9, "#,##0.#")))


def duration(milliseconds: float) -> str:
    """Return a duration: `0.4 ms`, `148 ms`, `2.1 s`, `3 min 5 s`."""
    return durations.said(milliseconds, language())


def moment(iso: str) -> datetime:
    """Return the time that the engine wrote, in the terminal's zone."""
    return datetime.fromisoformat(iso).astimezone()


def when(iso: str | None) -> str:
    """Return a time as date and time of day, in the terminal's zone."""
    if iso is None:
        return "–"
    at = moment(iso)
    return format_datetime(at, "medium", tzinfo=at.tzinfo, locale=language())


def day(iso: str) -> str:
    """Return a time's date, in the terminal's zone."""
    return format_date(moment(iso), "medium", locale=language())


def ago(iso: str | None) -> str:
    """Return how long ago it was, or in how long it will be."""
    if iso is None:
        return "–"
    return format_timedelta(moment(iso) - datetime.now(UTC), add_direction=True, format="long", locale=language())
