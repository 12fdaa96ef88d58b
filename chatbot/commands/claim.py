"""`/ccb claim CODE`: become Slack's first admin."""

from __future__ import annotations

from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from core import auth
from core.context import Context
from core.errors import Invalid
from core.texts import T


async def claim(ctx: Context, asked: Asked) -> Answer:
    """Make the asker an admin if the code is good."""
    if not asked.words:
        raise Invalid(T("Type the code that the engine's start printed: {usage}.", usage="/ccb claim CODE"))
    await auth.claim(ctx, asked.words[0], actor=asked.actor)
    return Reply(
        T(
            "You are an admin now. Who else is what, CCB_SLACK_ADMINS, CCB_SLACK_OPERATORS and CCB_SLACK_VIEWERS say. "
            "Look around with `/ccb status`."
        )
    )


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
