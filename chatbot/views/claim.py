"""The modal for the code that makes the first admin: typed here, it stands in no channel."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.view import Built, Problems, View, register
from core import auth
from core.context import Context
from core.texts import T

CLAIMED = T(
    "You are an admin now. Who else is what, CCB_SLACK_ADMINS, CCB_SLACK_OPERATORS and CCB_SLACK_VIEWERS say. Look "
    "around with `/ccb status`."
)
LONGEST = 100


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the field."""
    hint = T("The engine's start prints it, as long as nobody is an admin.")
    element = blocks.text_field("typed", placeholder="ABCDE-FGHJK-LMNPQ-RSTUV", most=LONGEST)
    return [blocks.field("code", asked.say(T("Code")), element, hint=asked.say(hint))]


async def check(ctx: Context, asked: Asked) -> Problems:
    """Say at the field what can be no code."""
    if "-" not in asked.values["code"]:
        return {"code": T("A code looks like {example}.", example="ABCDE-FGHJK-LMNPQ-RSTUV")}
    return {}


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Make the asker an admin if the code is good."""
    await auth.claim(ctx, asked.values["code"], actor=asked.actor)
    return Reply(CLAIMED)


register(
    View(
        name="claim",
        title=T("First admin"),
        build=build,
        permission=None,
        check=check,
        submit=submit,
        button=T("Claim"),
    )
)
