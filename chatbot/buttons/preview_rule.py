"""The button in the modal of an alert rule that plays it over the last seven days."""

from __future__ import annotations

from chatbot import blocks, view
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from chatbot.views import alert_rule
from core import integrations
from core.context import Context
from core.errors import Invalid
from core.texts import T


async def preview_rule(ctx: Context, asked: Asked) -> Answer:
    """Show in the modal how often it would have fired; what is typed stays as it is."""
    installed = await integrations.find(ctx, asked.about["integration"])
    try:
        said = await alert_rule.foretold(ctx, asked, installed.id, asked.values)
    except Invalid as error:  # the modal is what the answer stands in
        said = f":x: {blocks.plain(asked.say(T('This is no rule yet. {reason}', reason=error.message)))}"
    head = f"*{blocks.plain(installed.name)}* {blocks.code(installed.slug)}"
    shown = view.modal(view.VIEWS.get("alert_rule"), asked, alert_rule.fields(asked, head, said))
    await asked.slack.views_update(view_id=asked.view_id, view=shown)
    return None


register(Button("preview_rule", preview_rule, "alerts.read"))
