"""The modal that silences an integration's alerts for a while."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.states import severity
from chatbot.view import Built, Problems, View, register
from core import alerting, alerts, integrations
from core.alerting import SilenceWish
from core.context import Context
from core.texts import TN, T, Text

EVERYTHING = "*"
HOURS = (1, 2, 4, 8, 24, 72, 168)


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the fields."""
    installed = await integrations.find(ctx, asked.about["integration"])
    say = asked.say
    rules = [one.rule.name for one in await alerts.listed(ctx, installed.id)]
    which = [blocks.option(say(T("All its alerts")), EVERYTHING), *(blocks.option(name, name) for name in rules)]
    levels = [blocks.option(say(T("However bad")), EVERYTHING)]
    levels += [blocks.option(say(severity(one)), one) for one in ("critical", "warning", "info")]
    spans = [blocks.option(say(_span(hours)), str(hours)) for hours in HOURS]
    why = T("Those who ask why they were not told will read it.")
    return [
        blocks.section(f"*{blocks.plain(installed.name)}* {blocks.code(installed.slug)}"),
        blocks.field("rule", say(T("Which")), blocks.select("–", "typed", which, chosen=EVERYTHING)),
        blocks.field("severity", say(T("How bad")), blocks.select("–", "typed", levels, chosen=EVERYTHING)),
        blocks.field("hours", say(T("For how long")), blocks.select("–", "typed", spans, chosen="2")),
        blocks.field("comment", say(T("Why")), blocks.text_field("typed", lines=True, most=500), hint=say(why)),
    ]


async def check(ctx: Context, asked: Asked) -> Problems:
    """Ask for a reason that can be read."""
    if not str(asked.values["comment"] or "").strip():
        return {"comment": T("Write why: it is read by those who ask why they were not told.")}
    return {}


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Make the silence, and say so in the channel."""
    installed = await integrations.find(ctx, asked.about["integration"])
    now, values = ctx.clock.now(), asked.values
    row = await alerting.put_silence(
        ctx,
        SilenceWish(
            "silence", now, now + int(values["hours"]) * 3600.0, values["comment"].strip(), installed.id,
            None if values["rule"] == EVERYTHING else values["rule"],
            None if values["severity"] == EVERYTHING else values["severity"],
        ),
        actor=asked.actor,
    )  # fmt: skip
    what = row.rule or asked.say(T("all its alerts"))
    said = asked.say(
        T(":no_bell: {who} silenced {integration} ({what}) until {until}: {comment}", who=f"<@{asked.user}>",
          integration=blocks.code(installed.slug), what=blocks.plain(what), until=blocks.date(row.at_to),
          comment=blocks.plain(row.comment))
    )  # fmt: skip
    end = blocks.button(asked.say(T("End it")), "unsilence", row.id)
    return Reply(said, [blocks.section(said), blocks.actions([end])], to="channel")


def _span(hours: int) -> Text:
    return TN("{count} day", "{count} days", hours // 24) if hours >= 24 else TN("{count} hour", "{count} hours", hours)


register(
    View(
        name="silence", title=T("Silence alerts"), build=build, permission="alerts.write", submit=submit, check=check,
        button=T("Silence"),
    )
)  # fmt: skip
