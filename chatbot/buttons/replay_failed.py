"""The button that tries again what has failed since an alert began: as many as it named, or it says how many first."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from core import alerting, integrations
from core.context import Context
from core.events import replay
from core.texts import TN, T
from storage.alerts import Alert


async def replay_failed(ctx: Context, asked: Asked) -> Answer:
    """Start the job, and note it at the alert: its message and thread say so. More than was named is asked first."""
    reference, named, until = _read(asked.value)
    found = await alerting.about(ctx, reference)
    installed = await integrations.find(ctx, found[0].integration_id)
    began, end = min(one.started_at for one in found), until or ctx.clock.now() + replay.MOMENT
    wish, since = replay.failed_around(began, end), began - replay.BEFORE_ALERT
    there = (await replay.preview(ctx, installed, wish)).would_run
    if not there:
        return Reply(T("Nothing that has failed since {when} is left to be replayed.", when=blocks.date(since)))
    named = named or _named(found)
    if named and there > named:
        return _more(asked, reference, there, end, named=named, since=since)
    job = await replay.retry(ctx, installed, wish, actor=asked.actor)
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


def _read(value: str) -> tuple[str, int, float | None]:
    """Return the alert or message, and of a second question how many it named, of those received until when."""
    reference, *more = value.split("\n")
    return (reference, int(more[0]), float(more[1])) if more else (reference, 0, None)


def _named(found: Sequence[Alert]) -> int:
    """Return the number on the button of the alert's message; 0 where it has none."""
    return max((int(orjson.loads(one.facts).get("failures", 0)) for one in found), default=0)


def _more(asked: Asked, reference: str, there: int, end: float, *, named: int, since: float) -> Reply:
    """Ask anew: nothing was begun, and the button is for just these."""
    said = asked.say(
        TN(
            "{count} event has failed since {when}; the button said {named}. Nothing was begun yet.",
            "{count} events have failed since {when}; the button said {named}. Nothing was begun yet.",
            there, when=blocks.date(since), named=named,
        )
    )  # fmt: skip
    label = asked.say(TN("Replay {count} failed", "Replay {count} failed", there))
    asks = blocks.confirm(
        label,
        asked.say(
            T(
                "What their actions have done already stays done; what has not been done is done, and cannot be taken "
                "back."
            )
        ),
        asked.say(T("Replay")),
        asked.say(T("Leave it")),
    )
    value = f"{reference}\n{there}\n{end}"
    press = blocks.button(label, "replay_failed:more", value, style="danger", confirm=asks)
    return Reply(said, [blocks.section(said), blocks.actions([press])])


register(Button("replay_failed", replay_failed, "events.replay"))
