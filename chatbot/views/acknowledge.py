"""The modal that acknowledges an alert, or all those of a message, with a comment."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.view import Built, View, register
from core import alerting
from core.alert_message import AlertPart
from core.alerting import message as shown
from core.context import Context
from core.errors import Conflict
from core.texts import TN, T, Text

LONGEST = 500
SHOWN = 5


async def build(ctx: Context, asked: Asked) -> Built:
    """Say what it is about, and ask for a comment."""
    found = await alerting.about(ctx, asked.about["alert"])
    found = [one for one in found if one.ended_at is None] or found
    about = [_line(asked, part) for part in shown.message("", found, now=ctx.clock.now()).parts[:SHOWN]]
    left = len(found) - SHOWN
    about += [asked.say(TN("and {count} more alert", "and {count} more alerts", left))] if left > 0 else []
    element = blocks.text_field("typed", placeholder=asked.say(T("I am looking at it.")), lines=True, most=LONGEST)
    hint = T("It is not told again until it ends. The message says who acknowledged it, and this.")
    return [
        blocks.section("\n".join(about)),
        blocks.field("comment", asked.say(T("Comment")), element, hint=asked.say(hint), needed=False),
    ]


def _line(asked: Asked, part: AlertPart) -> str:
    name = asked.say(part.name) if isinstance(part.name, Text) else part.name
    return f"*{blocks.plain(name)}*: {blocks.plain(asked.say(part.what or part.measured))}"


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Acknowledge it; the alert's message is edited, so nothing more is said about one of those."""
    reference, comment = str(asked.about["alert"]), str(asked.values.get("comment") or "").strip()
    found = await alerting.about(ctx, reference)
    open_ones = [one for one in found if one.ended_at is None]
    if not open_ones:
        raise Conflict(T("It has ended meanwhile: there is nothing to acknowledge."), alert=found[0].id)
    for one in open_ones:
        await alerting.acknowledge(ctx, one.id, comment=comment, actor=asked.actor)
    if reference.startswith("alm_"):
        return None
    name = blocks.plain(asked.say(shown.name(open_ones[0])))
    return Reply(T("Acknowledged: {name}. It is not told again until it ends.", name=name))


register(
    View(
        name="acknowledge", title=T("Acknowledge"), build=build, permission="alerts.write", submit=submit,
        button=T("Acknowledge"),
    )
)  # fmt: skip
