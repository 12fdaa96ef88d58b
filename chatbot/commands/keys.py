"""`/ccb keys`: the API keys that programs show."""

from __future__ import annotations

from chatbot import key_list
from chatbot.asked import Answer, Asked, Open
from chatbot.command import Command, register
from core.context import Context
from core.texts import T


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show the keys, or the modal that makes one."""
    if asked.words and asked.words[0].lower() in ("new", "create", "add"):
        return Open("key", button=T("Make a key"))
    return await key_list.page(ctx, asked)


register(
    Command(
        name="keys",
        summary=T("Show the API keys and when they expire; make, rotate and revoke them"),
        run=show,
        permission="tokens.read",
        usage="[new]",
        aliases=("key", "tokens"),
        examples=("keys", "keys new"),
    )
)
