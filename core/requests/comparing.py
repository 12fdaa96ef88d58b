"""Old and new output side by side: what runs now and what Claude wrote, on the last events that came.

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
from core.sources import SOURCES, Delivery, SourceParams
from core.texts import T, Text
from storage import event_list, events
from storage import integrations as rows
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
    """One event's type and both outputs. `integration`: the slug of the other one to which it came, if it did."""

    event_type: str
    old: Output
    new: Output
    integration: str = ""


async def compare(ctx: Context, repository: str, package: Package) -> tuple[str, Sequence[Compared]]:
    """Return how what runs now and a package take the last events that came.

    They are those of the integration from the package's folder, whose version is returned too; where there is none or
    nothing came to it, those of all others with the same source. Raises `Unavailable` while the sandbox is busy.
    """
    own = await integrations.from_repository(ctx, repository, package.manifest.slug)
    if own is not None and own.package.digest == package.digest:
        return "", []
    recorded = await _recorded(ctx, own, package.manifest.source_params) if own is not None else []
    if own is not None and recorded:
        return own.version, [await _compared(ctx, own, package, event) for event in recorded[:MOST]]
    others = await _of_others(ctx, package)
    return "", [await _compared(ctx, other, package, event, slug=other.slug) for other, event in others]


async def _recorded(ctx: Context, installed: Installed, wanted: SourceParams) -> list[Event]:
    """Return the newest events of an integration that its handler or the new one gets, newest first."""
    newest = event_list.Wanted(now=ctx.clock.now(), integration_id=installed.id, limit=_LOOKED_AT)
    found = (await ctx.db.read(event_list.page, newest)).events
    return [one for one in found if installed.source_params.handles(one.type) or wanted.handles(one.type)]


async def _of_others(ctx: Context, package: Package) -> list[tuple[Installed, Event]]:
    """Return the newest events from the same source that the new handler gets, whosever they are, newest first.

    What was delivered to several integrations is there once.
    """
    wanted = package.manifest.source_params
    if SOURCES.get(wanted.kind).generic and not wanted.events:
        return []  # nothing says that it is the same sender
    found: list[tuple[Installed, Event]] = []
    for integration_id in await ctx.db.read(rows.ids):
        other = await integrations.find(ctx, integration_id)
        if _scheme(other.source_params) == _scheme(wanted):
            found += [(other, one) for one in await _recorded(ctx, other, wanted) if wanted.handles(one.type)]
    found.sort(key=lambda pair: pair[1].id, reverse=True)
    once = {(event.type, event.delivery_id or event.id): (other, event) for other, event in reversed(found)}
    return list(once.values())[::-1][:MOST]


def _scheme(params: SourceParams) -> Mapping[str, Any]:
    """Return how a sender proves and names its events: the same for two integrations that hear the same service."""
    return params.model_dump(exclude={"events", "sequence_path"})


def table(version: str, compared: Sequence[Compared], language: str, *, values: bool) -> str:
    """Return them as Markdown. `version`: of the integration whose events all are; empty: they are other integrations'.

    `values`: what is in the actions too, which came from real events; else their types.
    """
    if not compared:
        return ""

    def say(text: Text) -> str:
        return text.render(language)

    changed = sum(one.old != one.new for one in compared)
    if version:
        counted = T("Different from what {version} gives: {changed} of the last {count}.",
                    version=f"`{version}`", changed=changed, count=len(compared))  # fmt: skip
    else:
        counted = T("Different from what other integrations make of events from the same source: "
                    "{changed} of the last {count}.", changed=changed, count=len(compared))  # fmt: skip
    lines = [f"| {say(T('Event'))} | {say(T('Until now'))} | {say(T('With this change'))} |", "| --- | --- | --- |"]
    for one in compared:
        new = say(T("the same")) if one.old == one.new else _shown(one.new, values=values)
        event = " ".join(_code(name) for name in (one.event_type, one.integration) if name)
        lines.append(f"| {event} | {_shown(one.old, values=values)} | {new} |")
    heading = f"### {say(T('On the last events'))}\n\n{say(counted)}\n\n"
    return heading + "\n".join(lines)


async def _compared(ctx: Context, installed: Installed, package: Package, event: Event, *, slug: str = "") -> Compared:
    """Run both handlers on an event. `slug`: of an integration that is not an earlier version of the package.

    The configuration is that of the installed one. Another one's says nothing to the new handler, which runs with that
    of a sample then.
    """
    kept = await ctx.db.read(events.body, event.id)
    assert kept is not None  # they are stored, and end, together
    redactor = Redactor(installed.secret_values())
    headers = redactor.json(orjson.loads(kept.headers))
    payload = redactor.json(installed.source.parse(Delivery(orjson.loads(kept.headers), kept.body)))
    seen = event_for_handler(
        id=event.id, type=event.type, source=installed.source.kind, received_at=event.received_at, headers=headers,
        payload=payload,
    )  # fmt: skip

    async def output(of: Package, config: Mapping[str, Any]) -> Output:
        if not of.manifest.source_params.handles(event.type):
            return Output([])
        try:
            ran = await ctx.sandbox.run(
                of.handler, event=seen, config=config, owner=installed.id, payload_size=len(kept.body)
            )
        except Unavailable:
            raise
        except CcbError as error:
            return Output([], redactor.text(str(error)))
        return Output(redactor.json(ran.actions))

    config = {**installed.config, **{name: f"secret:{name}" for name in installed.config_secrets}}
    new = _of_a_sample(package, event.type) if slug else config
    return Compared(event.type, await output(installed.package, config), await output(package, new), slug)


def _of_a_sample(package: Package, event_type: str) -> Mapping[str, Any]:
    """Return the configuration of the first sample with such an event, else of the first."""
    samples = list(package.samples.values())
    return next((one.config for one in samples if one.event.type == event_type), samples[0].config)


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
