"""The button that tries again what has failed since an alert began."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from core import alerting, integrations
from core.context import Context
from core.events import replay
from core.texts import TN, T

BEFORE_SECONDS = 3600.0
"""How long before its alert an event may have come in: the window that the alert tells of."""


async def replay_failed(ctx: Context, asked: Asked) -> Answer:
    """Start the job, and note it at the alert: its message and thread say so."""
    found = await alerting.about(ctx, asked.value)
    installed = await integrations.find(ctx, found[0].integration_id)
    since = min(one.started_at for one in found) - BEFORE_SECONDS
    wish = replay.Wish(statuses=("failed", "dead"), received_from=since)
    job = await replay.retry(ctx, installed, wish, actor=asked.actor)
    if not job.total:
        return Reply(T("Nothing that has failed since {when} is left to be replayed.", when=blocks.date(since)))
    for one in found:
        if one.ended_at is None:
            await alerting.replayed(ctx, one.id, count=job.total, actor=asked.actor)
    return Reply(
        TN(
            "{count} event is tried again. What became of it: {command}",
            "{count} events are tried again. What became of them: {command}",
            job.total,
            command=blocks.code(f"/ccb status {installed.slug}"),
        )
    )


register(Button("replay_failed", replay_failed, "events.replay"))
