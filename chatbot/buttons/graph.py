"""The button that draws an alert's metric as it is now, in the thread of the alert's message."""

from __future__ import annotations

from dataclasses import replace

from chatbot import graphs
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from chatbot.graphs import Wanted
from core import alerting
from core.alerting.subjects import ENGINE
from core.context import Context
from core.errors import Conflict
from core.metrics import METRICS
from core.texts import T

HOUR = 3600.0


async def graph(ctx: Context, asked: Asked) -> Answer:
    """Draw from an hour before the alert began, at least the last hour, at most a week."""
    found = await alerting.about(ctx, asked.value)
    alert = next((one for one in found if one.integration_id != ENGINE and one.metric in METRICS), None)
    if alert is None:
        raise Conflict(T("This alert is about no metric, so there is no chart of it."), alert=found[0].id)
    hours = int((ctx.clock.now() - alert.started_at) // HOUR) + 1
    wanted = Wanted(alert.integration_id, alert.metric, f"{min(max(hours, 1), 168)}h")
    thread = asked.thread or str(asked.message.get("ts") or "") or None
    await graphs.show(ctx, replace(asked, thread=None if asked.ephemeral else thread), wanted)
    return None


register(Button("graph", graph, "metrics.read"))
