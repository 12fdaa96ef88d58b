"""Old and new output side by side: what runs now and what shall take its place, on the last events that came.

Both run on the events as they may be shown, without secrets, and nothing they return is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core import integrations
from core.context import Context
from core.errors import CcbError, Unavailable
from core.handler_event import event_for_handler
from core.integrations import Installed
from core.packages import Package
from core.redaction import Redactor
from core.sources import Delivery
from core.texts import T, Text
from storage import event_list, events
from storage.events import Event

MOST = 5
"""Events that both run on."""
_LOOKED_AT = 50
"""The newest events, among which those are that a handler gets at all."""
_WIDTH = 300
"""Characters of an output that are shown."""
_ACTIONS = 5


@dataclass(frozen=True)
class Output:
    """What a handler made of an event: its actions, or how it failed."""

    actions: Sequence[Mapping[str, Any]]
    failure: str = ""


@dataclass(frozen=True)
class Compared:
    """One event's type and both outputs."""

    event_type: str
    old: Output
    new: Output


async def compare(ctx: Context, repository: str, package: Package) -> tuple[str, Sequence[Compared]]:
    """Return the version that is installed from the package's folder and how both take its last events; else nothing.

    Raises `Unavailable` while the sandbox is busy.
    """
    installed = await integrations.from_repository(ctx, repository, package.manifest.slug)
    if installed is None or installed.package.digest == package.digest:
        return "", []
    newest = event_list.Wanted(now=ctx.clock.now(), integration_id=installed.id, limit=_LOOKED_AT)
    found = (await ctx.db.read(event_list.page, newest)).events
    wanted = [one for one in found if installed.source_params.handles(one.type)]
    return installed.version, [await _compared(ctx, installed, package, one) for one in wanted[:MOST]]


def table(version: str, compared: Sequence[Compared], language: str, *, values: bool) -> str:
    """Return them as Markdown. `values`: what is in the actions too, which came from real events; else their types."""
    if not compared:
        return ""

    def say(text: Text) -> str:
        return text.render(language)

    changed = sum(one.old != one.new for one in compared)
    counted = T("Different from what {version} gives: {changed} of the last {count}.",
                version=f"`{version}`", changed=changed, count=len(compared))  # fmt: skip
    lines = [f"| {say(T('Event'))} | {say(T('Until now'))} | {say(T('With this change'))} |", "| --- | --- | --- |"]
    for one in compared:
        new = say(T("the same")) if one.old == one.new else _shown(one.new, values=values)
        lines.append(f"| {_code(one.event_type)} | {_shown(one.old, values=values)} | {new} |")
    heading = f"### {say(T('On the last events'))}\n\n{say(counted)}\n\n"
    return heading + "\n".join(lines)


async def _compared(ctx: Context, installed: Installed, package: Package, event: Event) -> Compared:
    kept = await ctx.db.read(events.body, event.id)
    assert kept is not None  # they are stored, and end, together
    redactor = Redactor(installed.secret_values())
    headers = redactor.json(orjson.loads(kept.headers))
    payload = redactor.json(installed.source.parse(Delivery(orjson.loads(kept.headers), kept.body)))
    seen = event_for_handler(
        id=event.id, type=event.type, source=installed.source.kind, received_at=event.received_at, headers=headers,
        payload=payload,
    )  # fmt: skip
    config = {**installed.config, **{name: f"secret:{name}" for name in installed.config_secrets}}

    async def output(handler: str) -> Output:
        try:
            ran = await ctx.sandbox.run(
                handler, event=seen, config=config, owner=installed.id, payload_size=len(kept.body)
            )
        except Unavailable:
            raise
        except CcbError as error:
            return Output([], redactor.text(str(error)))
        return Output(redactor.json(ran.actions))

    return Compared(event.type, await output(installed.package.handler), await output(package.handler))


def _shown(output: Output, *, values: bool) -> str:
    if output.failure:
        return f"✗ {_code(output.failure.splitlines()[0])}" if values else "✗"
    if not output.actions:
        return "–"
    shown = [orjson.dumps(one).decode() if values else str(one.get("type")) for one in output.actions[:_ACTIONS]]
    more = "<br>…" if len(output.actions) > _ACTIONS else ""
    return "<br>".join(_code(one, _WIDTH // len(shown)) for one in shown) + more


def _code(text: str, width: int = _WIDTH) -> str:
    """Return somebody's text as code in a cell, in which nothing of Markdown works: no link, no picture, no mention."""
    cut = text if len(text) <= width else text[:width] + "…"
    return "<code>" + "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in cut) + "</code>"
