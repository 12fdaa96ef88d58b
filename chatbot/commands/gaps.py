"""`/ccb gaps`: what should have arrived and did not."""

from __future__ import annotations

from chatbot import gap_report, picking
from chatbot.asked import Answer, Asked
from chatbot.command import Command, register
from core import gaps
from core.context import Context
from core.texts import T


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show an integration's gaps; where nobody has looked yet, look first."""
    if not asked.words:
        return await picking.integration(ctx, asked, "gaps")
    return gap_report.message(asked, await gaps.known(ctx, asked.words[0], limit=gap_report.SHOWN))


register(
    Command(
        name="gaps",
        summary=T("Show events that should have arrived and did not, and ask for them again"),
        run=show,
        permission="events.read",
        usage="[integration]",
        examples=("gaps github-push-to-slack",),
    )
)
