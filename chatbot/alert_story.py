"""One alert's story: why somebody was told, or was not."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from chatbot import alert_blocks, alert_list, blocks
from chatbot.asked import Asked, Reply
from core import alerting
from core.alerting import message as shown
from core.alerting import story
from core.alerting.told import told as whether_told
from core.context import Context
from core.texts import TN, T
from storage.alerts import Alert, AlertHistory

LINES = 40
"""Lines that are shown: the first, and the newest."""
_MOST_LINE = 600
_MOST_TEXT = 2_900


async def told(ctx: Context, asked: Asked, alert: Alert) -> Reply:
    """Return what is wrong, whether somebody was told, and every state, silence, attempt and answer, in their order."""
    lines, messages, now = await alerting.history(ctx, alert), await alerting.attempts(ctx, alert), ctx.clock.now()
    waiting = [(row.channel, item) for row, items in messages for item in items if item.settled_at is None]
    what = alert_blocks.part_text(shown.part(alert, now=now), asked.language, named=False)
    answer = " ".join(asked.say(text) for text in whether_told(alert, lines, messages, now=now))
    head = f"{alert_list.line(ctx, asked, alert)}\n{what}\n\n{blocks.dated(blocks.plain(answer))}"
    said = [_line(asked, one) for one in lines]
    if len(said) > LINES:
        left = TN("… {count} line between …", "… {count} lines between …", len(said) - LINES)
        said = [*said[: LINES // 2], asked.say(left), *said[-LINES // 2 :]]
    said += [
        asked.say(T(":hourglass_flowing_sand: {channel}: the next attempt is at {when}", channel=blocks.code(channel),
                    when=blocks.date(item.run_at, "{date_short_pretty} {time_secs}")))
        for channel, item in waiting[:5]
    ]  # fmt: skip
    made = [blocks.section(blocks.cut(head, _MOST_TEXT)), blocks.divider(), *_sections(said)]
    buttons = _buttons(ctx, asked, alert)
    made += [blocks.actions(buttons)] if buttons else []
    made.append(blocks.context(blocks.code(alert.id)))
    return Reply("\n".join([head, *said]), made)


def _line(asked: Asked, line: AlertHistory) -> str:
    said = asked.say(story.told(line.kind, orjson.loads(line.data)))
    when = blocks.date(line.at, "{date_short_pretty} {time_secs}")
    return f"{when} · {blocks.cut(blocks.dated(blocks.plain(said)), _MOST_LINE)}"


def _sections(lines: Sequence[str]) -> list[blocks.Block]:
    """Return lines in as few paragraphs as hold them."""
    made: list[str] = []
    for line in lines:
        if made and len(made[-1]) + len(line) < _MOST_TEXT:
            made[-1] += f"\n{line}"
        else:
            made.append(line)
    return [blocks.section(one) for one in made]


def _buttons(ctx: Context, asked: Asked, alert: Alert) -> list[blocks.Element]:
    if alert.status != "firing":
        return []
    snoozed = shown.status(alert, ctx.clock.now()) == "snoozed"
    made = [alert_blocks.snooze(alert.id, asked.language, snoozed=snoozed)]
    if alert.acknowledged_at is None:
        made.insert(0, alert_blocks.acknowledge(alert.id, asked.language))
    return made
