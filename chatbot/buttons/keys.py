"""The buttons of a key: a new text for it, or its end (both ask first)."""

from __future__ import annotations

from chatbot import key_list
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from core import auth
from core.context import Context
from core.texts import T


async def rotate(ctx: Context, asked: Asked) -> Answer:
    """Give it a new text, shown once to who pressed."""
    key, plain = await auth.rotate(ctx, asked.value, actor=asked.actor)
    said = T("The new text of {name}; the former is good for 24 hours more.", name=key.name)
    await key_list.tell_new(ctx, asked, key, plain, said)
    return await key_list.page(ctx, asked, to="pressed")


async def revoke(ctx: Context, asked: Asked) -> Answer:
    """End it."""
    await auth.revoke(ctx, asked.value, actor=asked.actor)
    return await key_list.page(ctx, asked, to="pressed")


register(Button("key_rotate", rotate, "tokens.write"))
register(Button("key_revoke", revoke, "tokens.write"))
