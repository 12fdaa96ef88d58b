"""The menu that snoozes an alert, or all those of a message."""

from __future__ import annotations

from chatbot import blocks, people
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from core import alerting
from core.alerting import Snooze
from core.alerting import message as shown
from core.context import Context
from core.errors import Conflict
from core.texts import T

HOUR = 3600.0


async def snooze(ctx: Context, asked: Asked) -> Answer:
    """Be quiet for as long as was chosen; tomorrow is that of whoever chose it."""
    wanted, _, reference = asked.value.partition(" ")
    found = await alerting.about(ctx, reference)
    open_ones = [one for one in found if one.ended_at is None]
    if not open_ones:
        raise Conflict(T("It has ended meanwhile: there is nothing to snooze."), alert=found[0].id)
    zone = (await people.zone(ctx, asked.slack, asked.user)).key
    wish = Snooze(tomorrow_in=zone) if wanted == "tomorrow" else Snooze(seconds=HOUR)
    until = wish.until(ctx.clock.now())
    for one in open_ones:
        if wanted == "wake":
            await alerting.unsnooze(ctx, one.id, actor=asked.actor)
        else:
            await alerting.snooze(ctx, one.id, wish, actor=asked.actor)
    if reference.startswith("alm_"):
        return None  # its message is edited
    name = blocks.plain(asked.say(shown.name(open_ones[0])))
    if wanted == "wake":
        return Reply(T("No longer snoozed: {name}.", name=name))
    return Reply(T("Snoozed until {until}: {name}.", until=blocks.date(until), name=name))


register(Button("snooze", snooze, "alerts.write"))
