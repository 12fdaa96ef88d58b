"""The modal that asks which events are to run again; what would run is shown before anything does."""

from __future__ import annotations

from chatbot import blocks, replaying
from chatbot.asked import Answer, Asked
from chatbot.view import Built, Problems, View, register
from core import integrations
from core.context import Context
from core.errors import Invalid
from core.events.replay import Wish
from core.texts import T
from core.times import time_of

_EVERY = "every"


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the fields."""
    installed = await integrations.find(ctx, str(asked.about["integration"]))
    about = T("Events of {name}. Nothing runs yet: what would run is shown first.", name=blocks.plain(installed.name))
    since = blocks.text_field("typed", value="1h", placeholder="1h, 7d, 2026-01-31T12:00:00Z", most=40)
    until = blocks.text_field("typed", placeholder="10m", most=40)
    choices = (
        (_EVERY, T("failed, dead and skipped")),
        ("dead", T("dead")),
        ("failed", T("failed")),
        ("skipped", T("skipped")),
        ("discarded", T("discarded")),
        ("succeeded", T("succeeded")),
    )
    options = [blocks.option(asked.say(said), value) for value, said in choices]
    which = blocks.select(asked.say(T("Choose")), "chosen", options, chosen=_EVERY)
    return [
        blocks.section(asked.say(about)),
        blocks.field("from", asked.say(T("Received since")), since,
                     hint=asked.say(T("90s, 15m, 1h, 7d ago, or a time such as 2026-01-31T12:00:00Z"))),
        blocks.field("to", asked.say(T("Until")), until, hint=asked.say(T("Else until now")), needed=False),
        blocks.field("status", asked.say(T("Which")), which),
    ]  # fmt: skip


async def check(ctx: Context, asked: Asked) -> Problems:
    """Say at the field what is no time."""
    problems = {}
    for name in ("from", "to"):
        try:
            time_of(asked.values.get(name) or None, now=ctx.clock.now(), path=name)
        except Invalid as error:
            problems[name] = error.message
    return problems


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Show what would run."""
    installed = await integrations.find(ctx, str(asked.about["integration"]))
    now, status = ctx.clock.now(), asked.values["status"]
    wish = Wish(
        statuses=None if status == _EVERY else [status],
        received_from=time_of(asked.values["from"], now=now, path="from"),
        received_to=time_of(asked.values.get("to") or None, now=now, path="to"),
    )
    return await replaying.preview(ctx, asked, installed, wish)


register(
    View(
        name="replay",
        title=T("Run events again"),
        build=build,
        permission="events.replay",
        check=check,
        submit=submit,
        button=T("Look"),
    )
)
