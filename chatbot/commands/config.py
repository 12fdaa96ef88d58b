"""`/ccb config`: an integration's configuration, in a modal; secrets go in there, and never come out."""

from __future__ import annotations

from chatbot import picking
from chatbot.asked import Answer, Asked, Open
from chatbot.command import Command, register
from core import integrations
from core.context import Context
from core.texts import T


async def config(ctx: Context, asked: Asked) -> Answer:
    """Open the modal of one integration."""
    if not asked.words:
        return await picking.integration(ctx, asked, "config")
    found = await integrations.find(ctx, asked.words[0])
    return Open("config", {"integration": found.slug}, button=T("Configure"))


register(
    Command(
        name="config",
        summary=T("Show and change an integration's configuration; secrets are set there, and never shown"),
        run=config,
        permission="integrations.write",
        usage="[integration]",
        aliases=("configure", "settings"),
        examples=("config github-push-to-slack",),
    )
)
