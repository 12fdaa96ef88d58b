"""Many events again: what would run, in words, with the buttons that begin it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from chatbot import blocks
from chatbot.asked import Asked, Place, Reply
from chatbot.dispatch import run_button
from chatbot.event_page import STATUSES
from chatbot.states import event_state
from core.context import Context
from core.errors import Invalid
from core.events import replay
from core.events.replay import Preview, Wish
from core.integrations import Installed
from core.texts import TN, T, Text
from core.times import time_of
from storage.jobs import Job

REPLAYED = tuple(one for one in STATUSES if one not in replay.UNDER_WAY)
_EXAMPLE = "/ccb replay github-push-to-slack from 1h"


def read(words: Sequence[str], *, now: float) -> Wish:
    """Return what was typed after the integration: `from 1h to 10m dead type=push`."""
    found: dict[str, str] = {}
    statuses: list[str] = []
    waits = ""
    for word in words:
        name, sign, value = word.partition("=")
        if waits:
            found[waits], waits = word, ""
        elif sign and name in ("from", "to", "type"):
            found[name] = value
        elif word in ("from", "to", "type"):
            waits = word
        elif word.lower() in REPLAYED:
            statuses.append(word.lower())
        else:
            raise Invalid(
                T("I don't know what {word} means here. For example: {example}", word=blocks.cut(word, 50),
                  example=_EXAMPLE),
                path="words",
            )  # fmt: skip
    if waits:
        raise Invalid(T("{word} wants a value after it. For example: {example}", word=waits, example=_EXAMPLE),
                      path=waits)  # fmt: skip
    return Wish(
        statuses=statuses or None,
        types=[found["type"]] if found.get("type") else None,
        received_from=time_of(found.get("from"), now=now, path="from"),
        received_to=time_of(found.get("to"), now=now, path="to"),
    )


async def preview(ctx: Context, asked: Asked, installed: Installed, wish: Wish, *, to: Place = "asker") -> Reply:
    """Return what a replay would do, and the buttons that begin just that: what arrives meanwhile is not in it."""
    end = wish.received_to if wish.received_to is not None else ctx.clock.now() + replay.MOMENT
    wish = Wish(wish.statuses, wish.types, wish.received_from, end)
    left = await _left(ctx, installed, wish)
    every = await replay.preview(ctx, installed, Wish(wish.statuses, wish.types, wish.received_from, end, again=True))
    lines = [
        asked.say(T("*Replay* of {name}, events received since {start}", name=blocks.plain(installed.name),
                    start=blocks.date(wish.received_from or 0.0))),
        _would(asked, left),
    ]  # fmt: skip
    if left.effects:
        lines.append(asked.say(TN("{count} effect of them is done and is not repeated.",
                                  "{count} effects of them are done and are not repeated.", left.effects)))  # fmt: skip
    if every.would_run:
        lines.append(_repeated(asked, every, chosen=wish.statuses is not None))
    buttons = _buttons(asked, installed, wish, left, every)
    shown = [blocks.section("\n".join(lines)), blocks.actions(buttons)]
    return Reply("\n".join(lines), shown, to=to)


def read_value(value: str) -> tuple[str, Wish]:
    """Return what a button of `preview` means: the integration's id, and which events."""
    reference, start, end, statuses, types, again = orjson.loads(value)
    return reference, Wish(statuses, types, start, end, again=again)


def is_of(job: Job, wish: Wish) -> bool:
    """Say whether a job is the replay of just this wish, whose end is the moment when it was shown."""
    params = orjson.loads(job.params)
    same = (params["from"], params["to"], params["type"]) == (wish.received_from, wish.received_to, wish.types)
    chosen = wish.statuses is None or params["status"] == list(wish.statuses)
    return same and chosen and params["effects"] == ("again" if wish.again else "resume")


def _would(asked: Asked, found: Preview) -> str:
    if not found.would_run:
        return asked.say(T("Nothing is left to be done there."))
    would = TN("{count} event would run", "{count} events would run", found.would_run)
    return f"{asked.say(would)}: {_by_status(asked, found.by_status)}"


def _repeated(asked: Asked, found: Preview, *, chosen: bool) -> str:
    effects = TN("{count} effect", "{count} effects", found.effects)
    told: Text = (
        TN("Everything again would be {count} event, and would repeat {effects}.",
           "Everything again would be {count} events, and would repeat {effects}.", found.would_run, effects=effects)
        if chosen
        else TN("Everything again would be {count} event, those that have succeeded too, and would repeat {effects}.",
                "Everything again would be {count} events, those that have succeeded too, and would repeat {effects}.",
                found.would_run, effects=effects)
    )  # fmt: skip
    return asked.say(told)


async def _left(ctx: Context, installed: Installed, wish: Wish) -> Preview:
    """Return what a resume would do: of events that have succeeded nothing is left."""
    if wish.statuses is None:
        return await replay.preview(ctx, installed, wish)
    statuses = [status for status in wish.statuses if status != "succeeded"]
    if not statuses:
        return Preview({}, {}, 0, [])
    return await replay.preview(ctx, installed, replace(wish, statuses=statuses))


def _by_status(asked: Asked, counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {asked.say(event_state(status))}" for status, count in counts.items())


def _buttons(asked: Asked, installed: Installed, wish: Wish, left: Preview, every: Preview) -> list[blocks.Element]:
    made: list[blocks.Element] = []
    if not every.would_run:
        made.append(run_button(asked, asked.say(T("Show events")), ("events", installed.slug), at="events"))
    if left.would_run:
        run = TN("Run {count} event", "Run {count} events", left.would_run)
        made.append(
            blocks.button(asked.say(run), "replay_many:resume", _value(installed, wish, again=False), style="primary")
        )
    if every.would_run:
        again = TN("Do {count} event again in full", "Do {count} events again in full", every.would_run)
        asks = blocks.confirm(
            asked.say(again),
            asked.say(
                TN(
                    "{count} effect that is done is done once more: whoever received it gets it twice. This cannot be "
                    "taken back.",
                    "{count} effects that are done are done once more: whoever received them gets them twice. This "
                    "cannot be taken back.",
                    every.effects,
                )
            ),
            asked.say(T("Do it again")),
            asked.say(T("Leave it")),
        )
        value = _value(installed, wish, again=True)
        made.append(blocks.button(asked.say(again), "replay_many:again", value, style="danger", confirm=asks))
    return made


def _value(installed: Installed, wish: Wish, *, again: bool) -> str:
    types = list(wish.types) if wish.types is not None else None
    parts = [installed.id, wish.received_from, wish.received_to, wish.statuses, types, again]
    value = orjson.dumps(parts).decode()
    if len(value) > blocks.MOST_VALUE:
        raise Invalid(T("That type's name is too long for Slack. Use the REST API: POST …/replay."), path="type")
    return value
