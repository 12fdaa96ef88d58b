"""`ccb send`: a signed delivery, posted as its service would, to see the whole way work."""

from __future__ import annotations

import asyncio
import base64
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import typer
from rich.cells import cell_len
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text as Line

from core.cli import screen
from core.cli.client import Engine, deliver, path
from core.cli.command import Session, command
from core.cli.failure import REFUSED, CliError, refused, usage
from core.cli.language import said
from core.cli.serve import program
from core.texts import TN, T

CONCURRENCY = 8
"""Deliveries under way at a time with `--times`."""


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(parent, "send", T("Send an integration a signed sample, or a payload of your own."))(send)


@dataclass(frozen=True)
class Sent:
    """What a delivery was answered with, and after how long."""

    status: int
    answer: dict[str, Any]
    milliseconds: float


async def send(
    session: Session,
    integration: Annotated[str, typer.Argument(metavar="INTEGRATION", help=said(T("Its slug or id.")))],
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="SAMPLE|FILE",
            help=said(T("A sample's name, or a file with a JSON payload. Else the first sample.")),
            show_default=False,
        ),
    ] = None,
    type: Annotated[
        str | None, typer.Option(metavar="TYPE", help=said(T("The event's type, where it is not the sample's own.")))
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help=said(T("With a fresh delivery id, so that it is no duplicate.")))
    ] = False,
    times: Annotated[int, typer.Option(min=1, metavar="N", help=said(T("Send so many new deliveries.")))] = 1,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help=said(T("Send it there, not to the engine's own address.")))
    ] = None,
) -> None:
    """Sign, post, and say what was answered."""
    wish = await asyncio.to_thread(_wish, what)
    if type is not None:
        wish["type"] = type
    async with session.engine() as engine:
        sender = _Sender(engine, integration, wish, server)
        if times > 1:
            await _many(session, sender, times)
        else:
            _one(session, integration, await sender.post(await sender.sign(new=new)))


class _Sender:
    """Sends one wish again and again."""

    def __init__(self, engine: Engine, integration: str, wish: dict[str, Any], server: str | None) -> None:
        self._engine = engine
        self._integration = integration
        self._wish = wish
        self._server = server or engine.url

    async def sign(self, *, new: bool) -> dict[str, Any]:
        """Return the signed request; raises `CliError`."""
        wish = self._wish | ({"delivery_id": str(uuid4())} if new else {})
        signed: dict[str, Any] = await self._engine.post(path("integrations", self._integration, "sign"), wish)
        return signed

    async def post(self, signed: dict[str, Any]) -> Sent:
        """Post it over TCP; raises `CliError` for any answer but 2xx."""
        url = signed["local_url"]
        if self._server:
            url = self._server.rstrip("/") + urlsplit(url).path
        began = time.perf_counter()
        status, answer = await deliver(url, headers=signed["headers"], body=base64.b64decode(signed["body"]))
        return Sent(status, answer or {}, (time.perf_counter() - began) * 1e3)


def _wish(what: str | None) -> dict[str, Any]:
    """Return what is to be signed: a sample's name, or a file's payload."""
    if what is None:
        return {}
    file = Path(what)
    if not file.is_file():
        if file.suffix or file.name != what:
            raise usage(T("There is no file {file}.", file=what))
        return {"sample": what}
    try:
        payload = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise usage(T("{file} is not JSON: {reason}.", file=what, reason=str(error))) from None
    except OSError as error:
        raise usage(T("{file} cannot be read: {reason}.", file=what, reason=error.strerror)) from None
    if payload is None:
        raise usage(T("{file} holds null, which is no payload.", file=what))
    return {"payload": payload}


def _one(session: Session, integration: str, sent: Sent) -> None:
    if session.json:
        screen.write_json({"http_status": sent.status, "milliseconds": round(sent.milliseconds, 3), **sent.answer})
        return
    console, event = session.console, screen.clean(sent.answer.get("event_id", ""))
    took = screen.duration(sent.milliseconds)
    if sent.answer.get("status") == "duplicate":
        told = T("{status} duplicate in {took}: it came before, so nothing runs again.", status=sent.status, took=took)
        console.print(screen.marked("=", "yellow", said(told)))
        after = [(T("Its event:"), event), (T("As a new one:"), f"{program()} send {integration} --new")]
    elif event:
        console.print(screen.marked("✓", "green", said(T("{status} queued in {took}", status=sent.status, took=took))))
        after = [(T("Its event:"), event), (T("Its way:"), f"{program()} trace last")]
    else:  # the source's own answer to a handshake
        console.print(screen.marked("✓", "green", f"{sent.status}  {screen.clean(sent.answer)}"))
        after = []
    column = max((cell_len(said(head)) for head, _ in after), default=0) + 2
    for head, text in after:
        console.print(f"    {said(head)}{' ' * (column - cell_len(said(head)))}{text}", soft_wrap=True)


async def _many(session: Session, sender: _Sender, times: int) -> None:
    answers: Counter[str] = Counter()
    turns = iter(range(times))
    progress = Progress(
        TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=session.console, transient=True, disable=session.json,
    )  # fmt: skip
    began = time.perf_counter()
    with progress:
        task = progress.add_task(said(T("Sending")), total=times)

        async def work() -> None:
            for _ in turns:
                answers[await _answer(sender)] += 1
                progress.advance(task)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(CONCURRENCY, times)):
                    group.create_task(work())
        except BaseExceptionGroup as failures:  # the first is enough: the others failed the same way
            raise failures.exceptions[0] from None
    seconds = time.perf_counter() - began
    _counted(session, answers, times, seconds)


async def _answer(sender: _Sender) -> str:
    """Return the answer to one delivery in short; a refusal is an answer, an engine that is away is none."""
    signed = await sender.sign(new=True)
    try:
        sent = await sender.post(signed)
    except CliError as error:
        if error.code != REFUSED:
            raise
        return error.error
    return f"{sent.status} {sent.answer.get('status', '')}".strip()


def _counted(session: Session, answers: Counter[str], times: int, seconds: float) -> None:
    taken = sum(count for answer, count in answers.items() if answer.startswith("2"))
    if session.json:
        screen.write_json({"sent": times, "seconds": round(seconds, 3), "answers": dict(answers)})
    else:
        told = TN("{n} delivery in {took}", "{n} deliveries in {took}", times,
                  n=screen.number(times), took=screen.duration(seconds * 1e3))  # fmt: skip
        session.console.print(f"  {said(told)}")
        for answer, count in answers.most_common():
            mark = ("✓", "green") if answer.startswith("2") else ("✗", "red")
            session.console.print(Line.assemble("    ", mark, f" {screen.number(count)} × {screen.clean(answer)}"))
    if taken < times:
        raise refused(TN("{count} delivery was refused.", "{count} deliveries were refused.", times - taken),
                      error="Deliveries refused", answers=dict(answers))  # fmt: skip
