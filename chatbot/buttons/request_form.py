"""What is typed and chosen in the request's modal while it is open: what is ready-made is shown for it."""

from __future__ import annotations

from chatbot import view
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from core.context import Context


async def changed(ctx: Context, asked: Asked) -> Answer:
    """Build the modal anew; Slack keeps what was typed."""
    if asked.view_id is not None:
        shown = view.VIEWS.get("request")
        built = await shown.build(ctx, asked)
        await asked.slack.views_update(view_id=asked.view_id, view=view.modal(shown, asked, built))
    return None


register(Button("request_form", changed, None))  # the modal was opened for who may; nothing is changed yet
