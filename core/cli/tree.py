"""An event's way, drawn: a line for each step, several attempts at one action on one line. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text as Line

from core.cli import screen
from core.cli.language import said
from core.cli.serve import TITLES, program
from core.events import passes
from core.events.passes import Row
from core.texts import T, Text

Step = Mapping[str, Any]

SHORT = 40
"""Characters of an earlier attempt's error; the last one's is shown in full."""
_HTTP_ERROR = re.compile(r"(?<![\w.:-])[345]\d\d(?![\w-])")
_INDENT = "  "


def header(event: Mapping[str, Any], *, width: int) -> list[Line]:
    """Return which event it is, of what, and where it stands."""
    mark, style, word = screen.STATUS.get(event["status"], ("?", "", T("{status}", status=event["status"])))
    state = said(word)
    if event["processing_time_ms"] is not None:
        took = screen.duration(event["processing_time_ms"])
        # "dead" and the like after so long, "succeeded" in so long
        form = T("{state} in {took}", state=state, took=took)
        state = said(form if event["status"] == "succeeded" else T("{state} after {took}", state=state, took=took))
    where = screen.clean(event["integration"])
    if event["version"]:
        where += f" @ {screen.clean(event['version'])[:7]}"
    parts = [Line(screen.clean(event["type"])), Line(where), Line(f"{mark} {state}", style=style)]
    if event["attempt"]:
        most = max(event["attempt"], event["attempts"])  # fewer may be allowed by now than there were
        tries = T("attempt {attempt} of {attempts}", attempt=event["attempt"], attempts=most)
        parts.append(Line(said(tries)))
    return _joined(Line.assemble(_INDENT, (event["id"], "bold"), "  "), parts, width)


def _joined(first: Line, parts: Sequence[Line], width: int) -> list[Line]:
    """Put the parts one after the other, on as many lines as they need."""
    lines, fresh = [first], True
    for part in parts:
        if not fresh and lines[-1].cell_len + 3 + part.cell_len > width:
            lines.append(Line(_INDENT * 2))
            fresh = True
        if not fresh:
            lines[-1].append(" · ")
        lines[-1].append_text(part)
        fresh = False
    return lines


def tree(steps: Sequence[Step], *, width: int) -> list[Line]:
    """Return the drawn steps, each line at most `width` cells."""
    rows = passes.rows(steps, _mark)
    own = [row for row in rows if not row.is_action]
    acts = [row for row in rows if row.is_action]
    names = max((cell_len(_name(row)) for row in own), default=0)
    took = max((cell_len(_took(row)) for row in own), default=0)
    actions = max((cell_len(_name(row)) for row in acts), default=0)
    targets = max((cell_len(_target(row)) for row in acts), default=0)
    lines: list[Line] = []
    for number, row in enumerate(rows):
        last = number == len(rows) - 1
        if row in acts:
            head = Line(f"{_name(row).ljust(actions)}  {_target(row).ljust(targets)}   ")
            pieces = _action(row)
        else:
            head = Line.assemble(_name(row).ljust(names), "  ", (_took(row).rjust(took), "dim"), "   ")
            pieces = _own(row)
        lines += _wrapped(head, pieces, last=last, width=width)
    return lines


def _mark(step: Step) -> passes.Mark:
    return passes.Mark(step["name"], step["run"], step["attempt"], step["status"])


def _name(row: Row[Step]) -> str:
    name = screen.clean(row.steps[0]["name"])
    return name if row.run < 2 else f"{name} ({said(T('run {run}', run=row.run))})"


def _target(row: Row[Step]) -> str:
    return screen.clean(row.steps[0]["target"])


def _took(row: Row[Step]) -> str:
    return screen.duration(row.steps[-1]["duration_ms"])


def _own(row: Row[Step]) -> list[Line]:
    """Return what one of the engine's own steps found."""
    pieces: list[Line] = []
    for step in row.steps:
        if step["status"] == "error":
            pieces.append(Line(f"✗ {_error(step)}", style="red"))
        else:
            target, detail = screen.clean(step["target"]), screen.clean(step["detail"])
            pieces.append(Line(" → ".join(part for part in (target, detail) if part)))
    return pieces


def _action(row: Row[Step]) -> list[Line]:
    """Return the attempts at one action: what failed and when it was tried again, then how it ended."""
    done = [step for step in row.steps if step["status"] == "success"]
    steps = [step for step in row.steps if step["status"] != "skipped" or not done]
    pieces: list[Line] = []
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        took = screen.duration(step["duration_ms"])
        if step["status"] == "success":
            detail = f" {screen.clean(step['detail'])}" if step["detail"] not in ("", step["target"]) else ""
            pieces.append(Line.assemble(took, (f" ✓{detail}", "green")))
        elif step["status"] == "skipped":
            pieces.append(Line(f"– {screen.clean(step['detail'])}", style="dim"))
        elif after is None:
            pieces.append(Line.assemble((f"✗ {_error(step)}", "red"), f" ({took})"))
        else:
            told = T("{error} in {took}, again after {wait}", error=_short(step), took=took, wait=_wait(step, after))
            pieces.append(Line(f"✗ {said(told)}", style="yellow"))
    return pieces


def _error(step: Step) -> str:
    return screen.clean(step["error_message"] or "")


def _short(step: Step) -> str:
    error = _error(step)
    status = _HTTP_ERROR.search(error)
    if status:
        return status[0]
    return error if len(error) <= SHORT else error[: SHORT - 1].rstrip() + "…"


def _wait(step: Step, after: Step) -> str:
    began, again = screen.moment(step["started_at"]), screen.moment(after["started_at"])
    return screen.duration(max(0.0, (again - began).total_seconds() * 1e3 - step["duration_ms"]))


def _wrapped(head: Line, pieces: Sequence[Line], *, last: bool, width: int) -> list[Line]:
    """Return one row of the tree; what does not fit goes on under it, beside the line that leads to the next row."""
    first, under = ("└─ ", "   ") if last else ("├─ ", "│  ")
    start = Line.assemble(_INDENT, (first, "dim"), head)
    lead = Line.assemble(_INDENT, (under, "dim"))
    room = width - start.cell_len
    if room < width // 3:  # too little beside the head: all of it goes under
        start.rstrip()
        lead.append("    ")
        return [start, *(lead + part for part in _folded(pieces, width - lead.cell_len))]
    lead.append(" " * (start.cell_len - lead.cell_len))
    parts = _folded(pieces, room)
    return [(lead if number else start) + part for number, part in enumerate(parts)]


def _folded(pieces: Sequence[Line], width: int) -> list[Line]:
    """Put the pieces on lines with arrows between them; break only a piece that is too long by itself."""
    lines = [Line()]
    for number, piece in enumerate(pieces):
        arrow = "→ " if number else ""
        if number and lines[-1].cell_len + 3 + piece.cell_len <= width:
            lines[-1].append(f" {arrow}").append_text(piece)
            continue
        parts = piece.wrap(screen.out(), max(width - len(arrow), 10))
        broken = [(Line(arrow) if place == 0 else Line(" " * len(arrow))) + part for place, part in enumerate(parts)]
        lines = [*lines, *broken] if number else [*broken] or lines
    return lines


def next_steps(event: Mapping[str, Any], steps: Sequence[Step], *, following: bool = False) -> list[RenderableType]:
    """Return what comes next, or what to do: nothing is shown without a next step where one is needed.

    `following`: it is being watched already.
    """
    lines: list[RenderableType] = []
    error = event["error"]
    if error and not any(step["error_message"] == error["message"] for step in steps):
        lines.append(screen.indented(Line(screen.clean(error["message"]), style="red")))
    told, call = _hint(event)
    if told is not None:
        lines.append(screen.indented(said(told)))
    if call is not None and not (following and call.startswith("trace ")):
        lines.append(Line(f"{_INDENT}{_INDENT}{program()} {call}", style="cyan"))
    return lines


def _hint(event: Mapping[str, Any]) -> tuple[Text | None, str | None]:
    """Return what to know, and what to call."""
    slug, follow = screen.clean(event["integration"]), f"trace {event['id']} --follow"
    match event["status"]:
        case "failed" if event["waiting_for"]:
            name = event["waiting_for"]
            service = TITLES.get(name, screen.clean(name))
            told = T("It waits for {service}. Set it up and start the engine again: it then goes on.", service=service)
            return told, f"init {screen.clean(name)}"
        case "failed" if event["retry_at"]:
            left, at = screen.ago(event["retry_at"]), screen.when(event["retry_at"])
            return T("It is tried again {left} ({at}).", left=left, at=at), follow
        case "dead":
            return T("It is not tried again. Mend the cause, then send a new one:"), f"send {slug} --new"
        case "skipped":
            kind = screen.clean(event["type"])
            return T("{slug} does not listen to events of the type {type}.", slug=slug, type=kind), None
        case "queued" | "processing":
            return T("It is not done yet."), follow
        case _:
            return None, None
