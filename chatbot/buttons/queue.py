"""The buttons of the queue: try again what failed, or set it aside (which asks first)."""

from __future__ import annotations

from chatbot import following
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from core import integrations
from core.context import Context
from core.errors import Invalid
from core.events import replay
from core.events.replay import Wish
from core.texts import T

STATUSES = ("dead", "failed")


async def retry(ctx: Context, asked: Asked) -> Answer:
    """Try them again; done effects stay done."""
    reference, wish = _read(asked.value)
    installed = await integrations.find(ctx, reference)
    await following.begun(ctx, asked, await replay.retry(ctx, installed, wish, actor=asked.actor))
    return None


async def discard(ctx: Context, asked: Asked) -> Answer:
    """Set them aside."""
    reference, wish = _read(asked.value)
    installed = await integrations.find(ctx, reference)
    await following.begun(ctx, asked, await replay.discard(ctx, installed, wish, actor=asked.actor))
    return None


def _read(value: str) -> tuple[str, Wish]:
    reference, _, status = value.partition("\n")
    if status not in STATUSES:
        raise Invalid(T("There is no status {status}. There are: {known}.", status=status, known=", ".join(STATUSES)))
    return reference, Wish(statuses=[status])


register(Button("queue_retry", retry, "events.replay"))
register(Button("queue_discard", discard, "events.replay"))
