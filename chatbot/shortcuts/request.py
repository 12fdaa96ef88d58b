"""“Request an integration” in a message's menu: the message is what should happen."""

from __future__ import annotations

from chatbot.asked import Answer, Asked, Open
from chatbot.shortcut import Shortcut, register
from core.context import Context
from core.texts import T


async def request(ctx: Context, asked: Asked) -> Answer:
    """Open the request's modal with the message's text in it."""
    return Open("request", {"message": asked.message.get("ts", "")}, button=T("Ask for an integration"))


register(Shortcut("request_from_message", T("Request an integration"), request, "integrations.write"))
