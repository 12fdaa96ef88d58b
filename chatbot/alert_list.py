"""Open alerts as blocks, for `/ccb alerts` and the App Home."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot import alert_blocks, blocks
from chatbot.asked import Asked
from chatbot.dispatch import run_button
from chatbot.states import alert as in_words
from chatbot.states import severity
from core import alerting
from core.alerting import message as shown
from core.context import Context
from core.texts import T
from storage.alerts import Alert

SHOWN = 5


async def of(ctx: Context, *, integration_id: str | None = None) -> list[Alert]:
    """Return the alerts that are open, those that fire first, the newest of each first."""
    found = await alerting.newest(ctx, integration_id=integration_id, statuses=("pending", "firing"), limit=500)
    return sorted(found, key=lambda alert: alert.status != "firing")


async def open_alerts(
    ctx: Context, asked: Asked, *, integration_id: str | None = None, most: int = SHOWN
) -> list[blocks.Block]:
    """Return the open alerts as blocks, two for each, or a line that says that there are none."""
    found = await of(ctx, integration_id=integration_id)
    return listed(ctx, asked, found, most=most)


async def section(ctx: Context, asked: Asked) -> list[blocks.Block]:
    """Return the part of the App Home; nothing for who may not read alerts."""
    if not asked.actor.may("alerts.read"):
        return []
    return [blocks.header(asked.say(T("Open alerts"))), *await open_alerts(ctx, asked)]


def listed(ctx: Context, asked: Asked, found: Sequence[Alert], *, most: int = SHOWN) -> list[blocks.Block]:
    """Return these alerts as blocks."""
    if not found:
        return [blocks.section(asked.say(T(":large_green_circle: No alert is open.")))]
    made: list[blocks.Block] = []
    for number, alert in enumerate(found[:most]):
        made += _one(ctx, asked, alert, at=str(number))
    left = len(found) - most
    if left > 0:
        more = T("{count} more: {command}", count=left, command="`/ccb alerts`")
        made.append(blocks.context(asked.say(more)))
    return made


def line(ctx: Context, asked: Asked, alert: Alert) -> str:
    """Return an alert on one line, with marks."""
    state = alert.status if alert.status == "pending" else shown.status(alert, ctx.clock.now())
    name = blocks.plain(asked.say(shown.name(alert)))
    said = T("{state} · *{name}* · {severity} · {integration}", state=in_words(state), name=name,
             severity=severity(alert.severity), integration=blocks.plain(alert.integration))  # fmt: skip
    return asked.say(said)


def _one(ctx: Context, asked: Asked, alert: Alert, *, at: str) -> list[blocks.Block]:
    now, language = ctx.clock.now(), asked.language
    part = shown.part(alert, now=now)
    said = f"{line(ctx, asked, alert)}\n{alert_blocks.part_text(part, language, named=False)}"
    buttons = [run_button(asked, asked.say(T("Why was I told, or not?")), ("alerts", alert.id), at=f"why{at}")]
    if alert.status == "firing":
        snoozed = part.status == "snoozed"
        buttons.insert(0, alert_blocks.snooze(alert.id, language, at=at, snoozed=snoozed))
        if alert.acknowledged_at is None:
            buttons.insert(0, alert_blocks.acknowledge(alert.id, language, at=at))
    return [blocks.section(blocks.cut(said, 1_000)), blocks.actions(buttons)]
