"""`/ccb metrics`: the numbers of an integration, or of all together, and a chart."""

from __future__ import annotations

from chatbot import graphs
from chatbot.asked import Answer, Asked
from chatbot.command import Command, register
from core.context import Context
from core.texts import T


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show them in the channel; without an integration all together, with buttons for the newest five."""
    await graphs.show(ctx, asked, graphs.read(asked.words))
    return None


register(
    Command(
        name="metrics",
        summary=T("Show a chart and the numbers of an integration, or of all together"),
        run=show,
        permission="metrics.read",
        usage="[integration] [metric] [from]",
        aliases=("chart", "graph"),
        examples=("metrics", "metrics github-push-to-slack latency_p95 24h"),
    )
)
