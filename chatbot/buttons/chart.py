"""The buttons and the menu below a chart: another range, another metric, in the same message."""

from __future__ import annotations

from chatbot import graphs
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from chatbot.graphs import Wanted
from core.context import Context, SlackPlace


async def chart(ctx: Context, asked: Asked) -> Answer:
    """Draw the other chart in place of this one."""
    of, metric, since = asked.value.split(" ")
    ts = str(asked.message.get("ts", ""))
    there = SlackPlace(asked.channel, ts) if asked.channel and ts and not asked.ephemeral else None
    await graphs.show(ctx, asked, Wanted(of, metric, since), there=there)
    return None


register(Button("chart", chart, "metrics.read"))
