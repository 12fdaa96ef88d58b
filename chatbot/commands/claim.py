"""`/ccb claim CODE`: become Slack's first admin."""

from __future__ import annotations

from chatbot.asked import Answer, Asked, Open, Reply
from chatbot.command import Command, register
from chatbot.views.claim import CLAIMED
from core import auth
from core.context import Context
from core.texts import T


async def claim(ctx: Context, asked: Asked) -> Answer:
    """Make the asker an admin if the code is good; without one ask for it."""
    if not asked.words:
        return Open("claim", button=T("Type the code"))
    await auth.claim(ctx, asked.words[0], actor=asked.actor)
    return Reply(CLAIMED)


register(
    Command(
        name="claim",
        summary=T("Become the first admin with the code that the engine's start printed"),
        run=claim,
        permission=None,
        usage="CODE",
        examples=("claim ABCDE-FGHJK-LMNPQ-RSTUV",),
    )
)
