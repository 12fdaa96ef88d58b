"""Opening modals: at once, whatever it takes to fill them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import orjson
from slack_sdk.errors import SlackApiError

from chatbot import blocks, people, view
from chatbot.asked import Asked, Open, Reply
from chatbot.failures import data
from core.context import Context
from core.errors import CcbError
from core.texts import T

PATIENCE_SECONDS = 0.5
"""How long a modal may take to be built before a loading one is opened: a trigger is good for three seconds."""


_TOO_LATE = frozenset({"expired_trigger_id", "exchanged_trigger_id", "ratelimited"})
"""A trigger does not last as long as a rate limit; a button brings another."""


async def opened(ctx: Context, asked: Asked, wanted: Open) -> Reply | None:
    """Open the modal; return a message with a button where Slack lets nothing open (a mention has no trigger)."""
    shown = view.VIEWS.get(wanted.view)
    people.require(asked.actor, shown.permission)
    if asked.trigger is None:
        return offer(asked, wanted)
    asked = replace(asked, about=wanted.about)
    building = asyncio.ensure_future(shown.build(ctx, asked))
    await asyncio.wait({building}, timeout=PATIENCE_SECONDS)
    built = await building if building.done() else None
    opening = asked.slack.views_push if asked.view_id else asked.slack.views_open
    try:
        answer = await opening(trigger_id=asked.trigger, view=view.modal(shown, asked, built))
    except SlackApiError as error:
        building.cancel()
        if data(error).get("error") not in _TOO_LATE:
            raise
        return offer(asked, wanted)
    if built is None:
        await _fill(shown, asked, building, str(answer["view"]["id"]))
    return None


def offer(asked: Asked, wanted: Open) -> Reply:
    """Return a message whose button opens the modal."""
    title = asked.say(view.VIEWS.get(wanted.view).title)
    said = T("{title}: press the button to open it.", title=title)
    made = button(asked.say(wanted.button or T("Open")), wanted, primary=True)
    return Reply(said, [blocks.section(asked.say(said)), blocks.actions([made])])


def button(said: str, wanted: Open, *, primary: bool = False, at: str = "0") -> blocks.Element:
    """Return a button that opens a modal; `at` tells two in one message apart."""
    value = orjson.dumps([wanted.view, dict(wanted.about)]).decode()
    return blocks.button(said, f"open:{at}", value, style="primary" if primary else None)


def read(value: str) -> Open:
    """Return what `button` wrote."""
    name, about = orjson.loads(value)
    assert isinstance(about, Mapping)
    return Open(name, about)


async def _fill(shown: view.View, asked: Asked, building: asyncio.Future[view.Built], view_id: str) -> None:
    """Put into a loading modal what it was waiting for, or why there is nothing."""
    try:
        await asked.slack.views_update(view_id=view_id, view=view.modal(shown, asked, await building))
    except CcbError as error:
        said = [blocks.section(blocks.plain(asked.say(error.message)))]
        await asked.slack.views_update(view_id=view_id, view=view.modal(replace(shown, submit=None), asked, said))
