"""`/ccb request`: ask for an integration; stop a request, or begin it again."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Open, Reply
from chatbot.command import Command, register
from core.context import Context
from core.requests import service
from core.texts import T

_LONGEST = 1_000
"""Characters of the typed sentence that a button can carry into the modal."""


async def request(ctx: Context, asked: Asked) -> Answer:
    """Open the modal, with what was typed after the command in it."""
    if len(asked.words) == 2 and asked.words[0] in ("stop", "retry"):
        return await _move(ctx, asked, asked.words[0], asked.words[1])
    about = {"text": blocks.cut(" ".join(asked.words), _LONGEST)} if asked.words else {}
    return Open("request", about, button=T("Ask for an integration"))


async def _move(ctx: Context, asked: Asked, what: str, reference: str) -> Answer:
    found = await service.find(ctx, reference)
    move = service.stop if what == "stop" else service.retry
    await move(ctx, found, actor=asked.actor)
    followed = await service.followed(ctx, found)
    if followed is not None and followed.ts == asked.message.get("ts"):
        return None  # pressed on the message that follows the request, which says it
    title = blocks.plain(found.row.title)
    return Reply(T("{title} is stopped.", title=title) if what == "stop" else T("{title} begins again.", title=title))


register(
    Command(
        name="request",
        summary=T("Ask for an integration: Claude writes it, tests it and opens a pull request"),
        run=request,
        permission="integrations.write",
        usage="[what should happen | stop ID | retry ID]",
        aliases=("ask", "new"),
        examples=("request", "request Post each new Sentry issue to this channel", "request stop int_01J…"),
    )
)
