"""The modal that makes an API key. The key itself is then shown once, to its maker alone."""

from __future__ import annotations

from chatbot import blocks, key_list
from chatbot.asked import Answer, Asked
from chatbot.view import Built, Problems, View, register
from core import auth
from core.auth import LONGEST_NAME, PERMISSIONS
from core.context import Context
from core.texts import T
from core.times import time_of

NEVER = "never"
EXPIRIES = (
    ("7d", T("in 7 days")),
    ("30d", T("in 30 days")),
    ("90d", T("in 90 days")),
    ("365d", T("in a year")),
    (NEVER, T("never")),
)


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the fields; nobody is offered what they do not hold."""
    offered = [one for one in PERMISSIONS if asked.actor.may(one)]
    name = blocks.text_field("typed", placeholder="ci", most=LONGEST_NAME)
    may = blocks.multi_select(asked.say(T("Choose")), "chosen", [blocks.option(one, one) for one in offered])
    ends = [blocks.option(asked.say(said), value) for value, said in EXPIRIES]
    expires = blocks.select(asked.say(T("Choose")), "chosen", ends, chosen="90d")
    return [
        blocks.field("name", asked.say(T("Name")), name, hint=asked.say(T("What it is for"))),
        blocks.field("permissions", asked.say(T("What it may do")), may,
                     hint=asked.say(T("As little as its program needs"))),
        blocks.field("expires_at", asked.say(T("Expires")), expires),
    ]  # fmt: skip


async def check(ctx: Context, asked: Asked) -> Problems:
    """Say at the field what is missing."""
    if not str(asked.values["name"] or "").strip():
        return {"name": T("A key's name has 1 to {limit} characters.", limit=LONGEST_NAME)}
    return {}


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Make the key and show it."""
    ends = asked.values["expires_at"]
    until = None if ends == NEVER else time_of(ends, now=ctx.clock.now(), path="expires_at", ahead=True)
    key, plain = await auth.issue(
        ctx,
        actor=asked.actor,
        name=asked.values["name"],
        permissions=asked.values["permissions"] or [],
        expires_at=until,
    )
    await key_list.tell_new(ctx, asked, key, plain, T("Your new key {name}:", name=key.name))
    return None


register(
    View(
        name="key",
        title=T("New API key"),
        build=build,
        permission="tokens.write",
        check=check,
        submit=submit,
        button=T("Make it"),
    )
)
