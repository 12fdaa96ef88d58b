"""An event's way as a message: where it stands, its steps as a tree, what went wrong, what can be done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson

from chatbot import answers, blocks, opening
from chatbot.asked import Asked, Open, Place, Reply
from chatbot.dispatch import run_button
from chatbot.states import event_state, failure
from core import durations, integrations
from core.context import Context
from core.events import passes, replay, trace
from core.events.passes import Row
from core.events.trace import Hop
from core.integrations import Installed
from core.texts import TN, T, Text, revive
from storage.events import Event

SETTLED = frozenset({"succeeded", "dead", "skipped", "discarded"})
PATIENCE_SECONDS = 15.0
"""How long an event is watched that was put back into the queue."""
LOOK_SECONDS = 0.3
_ENDS = 12
"""Of a long way, so many steps at its beginning and at its end are shown."""
_LONGEST_ERROR, _LONGEST_DETAIL, _LONGEST_REASON = 120, 80, 1_000


async def message(ctx: Context, asked: Asked, reference: str, *, to: Place = "asker") -> Reply:
    """Return the trace of an event; raise `NotFound`."""
    event = await trace.find(ctx, reference)
    installed = await integrations.find(ctx, event.integration_id)
    hops = await trace.hops(ctx, event, language=asked.language)
    head, facts, why = _head(asked, event, installed), _facts(asked, event), _why(asked, event, hops)
    drawn = tree(asked, hops)
    shown = [blocks.section(head), blocks.section(blocks.code_block(drawn))]
    shown += [blocks.section(part) for part in why]
    shown += [blocks.context(facts), blocks.actions(await _buttons(ctx, asked, event, installed))]
    return Reply("\n".join([head, *why, drawn]), shown, to=to)


async def watched(ctx: Context, asked: Asked, event_id: str) -> Reply | None:
    """Put the trace in place of the pressed message now, and return it again once the event has come to an end."""
    await answers.deliver(asked, await message(ctx, asked, event_id, to="pressed"))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if (await trace.find(ctx, event_id)).status not in replay.UNDER_WAY:
                    return await message(ctx, asked, event_id, to="pressed")
    except TimeoutError:
        return None


def _head(asked: Asked, event: Event, installed: Installed) -> str:
    where = f"{blocks.plain(installed.name)} {blocks.code(installed.slug)}"
    if event.version:
        where += f" @ {blocks.code(event.version[:7])}"
    state = asked.say(event_state(event.status))
    if event.finished_at is not None:
        took = durations.said((event.finished_at - event.received_at) * 1e3, asked.language)
        form = T("{state} in {took}", state=state, took=took)
        state = asked.say(form if event.status == "succeeded" else T("{state} after {took}", state=state, took=took))
    parts = [state]
    if event.attempt:
        most = max(event.attempt, installed.engine.retry_attempts)  # fewer may be allowed by now than there were
        parts.append(asked.say(T("attempt {attempt} of {attempts}", attempt=event.attempt, attempts=most)))
    if event.run > 1:
        parts.append(asked.say(T("run {run}", run=event.run)))
    return f"*{blocks.plain(blocks.cut(event.type or '–', 100))}* · {where}\n{' · '.join(parts)}"


def _facts(asked: Asked, event: Event) -> str:
    parts = [blocks.code(event.id), asked.say(T("received {when}", when=blocks.date(event.received_at)))]
    if event.duplicates:
        told = TN("delivered {count} more time", "delivered {count} more times", event.duplicates)
        parts.append(asked.say(told))
    if event.delivery_id:
        parts.append(asked.say(T("delivery {delivery}", delivery=blocks.code(blocks.cut(event.delivery_id, 60)))))
    return " · ".join(parts)


def _why(asked: Asked, event: Event, hops: Sequence[Hop]) -> list[str]:
    """Return what went wrong, and what happens next by itself."""
    told = []
    if event.error and event.status not in ("succeeded", "skipped"):
        error = orjson.loads(event.error)
        reason = blocks.plain(blocks.cut(revive(error["message"], asked.language), _LONGEST_REASON))
        told.append(f":x: *{blocks.plain(asked.say(failure(error['error'])))}*: {reason}")
    if event.waiting_for:
        told.append(
            asked.say(T("It waits for {service}, which is not configured: {command}", service=event.waiting_for,
                        command=blocks.code(f"ccb init {event.waiting_for}")))
        )  # fmt: skip
    elif event.status == "failed" and event.run_at:
        told.append(
            asked.say(T("It is tried again {when}.", when=blocks.date(event.run_at, "{date_short_pretty} {time_secs}")))
        )
    elif event.status == "dead":
        told.append(asked.say(T("It is not tried again by itself. Mend the cause, then press a button.")))
    return told


def tree(asked: Asked, hops: Sequence[Hop]) -> str:
    """Return the steps as lines, the attempts at one action beneath each other."""
    rows = passes.rows(hops, lambda hop: passes.Mark(hop.name, hop.run, hop.attempt, hop.status))
    wide = max((len(_name(asked, row)) for row in rows if not row.is_action), default=0)
    left = len(rows) - 2 * _ENDS
    drawn: list[str] = []
    for number, row in enumerate(rows):
        if left > 0 and _ENDS <= number < _ENDS + left:
            if number == _ENDS:
                drawn.append("┊  " + asked.say(TN("{count} more step", "{count} more steps", left)))
            continue
        drawn += _drawn(asked, row, wide=wide, last=number == len(rows) - 1)
    return "\n".join(drawn)


def _drawn(asked: Asked, row: Row[Hop], *, wide: int, last: bool) -> list[str]:
    first, under = ("└─ ", "   ") if last else ("├─ ", "│  ")
    if not row.is_action:
        hop = row.steps[-1]
        head = f"{_name(asked, row).ljust(wide)}  {durations.said(hop.duration_ms, asked.language)}"
        said = [_own(one) for one in row.steps]
    else:
        head = f"{_name(asked, row)} {_line(row.steps[0].target, _LONGEST_DETAIL)}".rstrip()
        said = _attempts(asked, row.steps)
    said = [part for part in said if part]
    if len(said) <= 1:
        return [f"{first}{head}  {''.join(said)}".rstrip()]
    return [f"{first}{head}", *(f"{under}  {part}" for part in said)]


def _name(asked: Asked, row: Row[Hop]) -> str:
    name = _line(row.steps[0].name, 40)
    return name if row.run < 2 else f"{name} ({asked.say(T('run {run}', run=row.run))})"


def _own(hop: Hop) -> str:
    if hop.status == "error":
        return f"✗ {_line(hop.error_message or '', _LONGEST_ERROR)}"
    return " → ".join(_line(part, _LONGEST_DETAIL) for part in (hop.target, hop.detail) if part)


def _attempts(asked: Asked, hops: Sequence[Hop]) -> list[str]:
    """Return how often it was tried: what failed and when it was tried again, then how it ended."""
    done = [hop for hop in hops if hop.status == "success"]
    tried = [hop for hop in hops if hop.status != "skipped" or not done]
    said: list[str] = []
    for hop, after in zip(tried, [*tried[1:], None], strict=True):
        took, error = durations.said(hop.duration_ms, asked.language), _line(hop.error_message or "", _LONGEST_ERROR)
        if hop.status == "success":
            detail = _line(hop.detail, _LONGEST_DETAIL) if hop.detail != hop.target else ""
            said.append(f"✓ {took} {detail}".rstrip())
        elif hop.status == "skipped":
            said.append(f"– {_line(hop.detail, _LONGEST_DETAIL)}")
        elif after is None:
            said.append(f"✗ {error} ({took})")
        else:
            pause = max(0.0, (after.started_at - hop.started_at) * 1e3 - hop.duration_ms)
            wait = durations.said(pause, asked.language)
            told = T("{error} ({took}, again after {wait})", error=error, took=took, wait=wait)
            said.append(f"✗ {asked.say(told)}")
    return said


def _line(text: str, most: int) -> str:
    """Return a text on one line, cut."""
    return blocks.cut(" ".join(text.split()), most)


async def _buttons(ctx: Context, asked: Asked, event: Event, installed: Installed) -> list[blocks.Element]:
    made: list[blocks.Element] = []
    handled = installed.source_params.handles(event.type)
    if event.status not in replay.UNDER_WAY and handled:
        if event.status != "succeeded":
            made.append(
                blocks.button(asked.say(T("Do what is left")), "replay:resume", f"{event.id}\nresume", style="primary")
            )
        made.append(await _again(ctx, asked, event, installed))
    made.append(opening.button(asked.say(T("Show payload")), Open("payload", {"event": event.id}), at="payload"))
    if event.status not in SETTLED:
        made.append(blocks.button(asked.say(T("Look again")), "trace:again", event.id))
    made.append(run_button(asked, asked.say(T("More events")), ("events", installed.slug), at="events"))
    return made


async def _again(ctx: Context, asked: Asked, event: Event, installed: Installed) -> blocks.Element:
    wish = replay.Wish(statuses=[event.status], event_ids=[event.id])
    done = (await replay.preview(ctx, installed, wish)).effects
    lost: Text = (
        TN(
            "{count} effect of it is done already and is done once more: whoever received it gets it twice.",
            "{count} effects of it are done already and are done once more: whoever received them gets them twice.",
            done,
        )
        if done
        else T("Nothing of it is done yet. The handler runs once more, from the start.")
    )
    asks = blocks.confirm(
        asked.say(T("Do everything again?")), asked.say(lost), asked.say(T("Do it again")), asked.say(T("Leave it"))
    )
    return blocks.button(
        asked.say(T("Do everything again")), "replay:again", f"{event.id}\nagain", style="danger", confirm=asks
    )
