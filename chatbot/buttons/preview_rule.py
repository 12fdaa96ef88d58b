"""The buttons in the modal of an alert rule that play it over the last week or month."""

from __future__ import annotations

from typing import Any

from chatbot import blocks, people, pictures, view
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from chatbot.views import alert_rule
from core import charts, integrations
from core.alerting.charted import played
from core.alerting.preview import Preview
from core.context import Context
from core.errors import CcbError, Invalid
from core.integrations import Installed
from core.texts import T


async def preview_rule(ctx: Context, asked: Asked) -> Answer:
    """Show in the modal how often it would have fired, then the chart; what is typed stays as it is."""
    installed = await integrations.find(ctx, asked.about["integration"])
    days = alert_rule.MOST_DAYS if asked.value == str(alert_rule.MOST_DAYS) else alert_rule.DAYS
    try:
        found = await alert_rule.tried(ctx, installed.id, asked.values, days=days)
    except Invalid as error:  # the modal is what the answer stands in
        said = f":x: {blocks.plain(asked.say(T('This is no rule yet. {reason}', reason=error.message)))}"
        await asked.slack.views_update(view_id=asked.view_id, view=_modal(asked, installed, said))
        return None
    said = alert_rule.words(asked, found)
    await asked.slack.views_update(view_id=asked.view_id, view=_modal(asked, installed, said))
    await _draw(ctx, asked, installed, found, said)
    return None


def _modal(asked: Asked, installed: Installed, said: str, *more: blocks.Block) -> dict[str, Any]:
    name = alert_rule.EDIT if "rule" in asked.about else alert_rule.ADD
    head = alert_rule.head(installed.name, installed.slug)
    return view.modal(view.VIEWS.get(name), asked, alert_rule.fields(asked, head, asked.values, said, *more))


async def _draw(ctx: Context, asked: Asked, installed: Installed, found: Preview, said: str) -> None:
    """Add the chart; the sentence is there already, so one that cannot be drawn is left out."""
    if not asked.actor.may("metrics.read") or asked.view_id is None:
        return
    zone = await people.zone(ctx, asked.slack, asked.user)
    condition = str(asked.values.get("condition") or "")
    chart = await played(ctx, installed, condition, found, zone=zone, actor=asked.actor)
    if chart is None:
        return
    try:
        png = await charts.png(ctx, charts.spec(chart, asked.language))
    except CcbError:
        return
    await pictures.place_in_view(
        asked.slack, png, alt=charts.alt(chart, asked.language), view_id=asked.view_id,
        around=lambda picture: _modal(asked, installed, said, picture),
    )  # fmt: skip


register(Button("preview_rule", preview_rule, "alerts.read"))
