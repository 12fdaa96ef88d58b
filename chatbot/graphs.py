"""Metrics in Slack: a message that says the numbers, and shows one of them as a chart.

The message is there at once and says that the chart is being drawn; it is edited as things come. Slack shows files to a
whole channel or to nobody, so everybody in the channel sees it; in a direct message, the asker alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError

from chatbot import answers, blocks, people, picking, pictures
from chatbot.asked import Asked, Reply
from chatbot.dispatch import run_button
from chatbot.failures import data
from core import charts, durations, integrations, listing, metrics, status
from core.alerting.charted import charted
from core.alerting.preview_words import span_of
from core.charts import Chart
from core.charts.axes import scale_of
from core.context import Context, SlackPlace
from core.errors import CcbError, Invalid
from core.integrations import Installed
from core.metrics import Series
from core.metrics.query import metric_named
from core.texts import T, Text

ALL = "*"
"""In place of an integration: all together."""
RANGES = ("1h", "6h", "24h", "7d", "30d")
METRIC, RANGE = "error_rate", "1h"
_SPAN = re.compile(r"[0-9]{1,6}[smhd]")
_NUMBERS: Mapping[str, Text] = {
    "received": T("received"),
    "processed": T("processed"),
    "failed": T("failed for good"),
    "error_rate": T("error rate"),
    "latency_p50": T("latency, half of them (p50)"),
    "latency_p95": T("latency, 95 of 100 (p95)"),
    "queue_depth": T("waiting now"),
}
"""What is said in numbers, whichever chart is shown."""
_OFFERED = (
    "error_rate", "latency_p95", "latency_p50", "received", "failed", "retried", "rejected", "duplicates",
    "processing_p95", "queue_depth", "queue_age", "deliveries_4xx", "deliveries_5xx", "sandbox_time", "claude_cost",
)  # fmt: skip
_ELSEWHERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived"})


@dataclass(frozen=True)
class Wanted:
    """Which chart: of what (an integration's id or slug, or `*`), which metric, since how long ago."""

    of: str = ALL
    metric: str = METRIC
    since: str = RANGE

    @property
    def value(self) -> str:
        """As a button keeps it."""
        return f"{self.of} {self.metric} {self.since}"


def read(words: Sequence[str]) -> Wanted:
    """Return what was typed, in any order of metric and range; raise `Invalid` for what is neither."""
    of, metric, since = ALL, METRIC, RANGE
    for number, word in enumerate(words):
        if _SPAN.fullmatch(word):
            since = word
        elif word in metrics.METRICS:
            metric = word
        elif number == 0:
            of = word
        else:
            metric = metric_named(word).name
    return Wanted(of, metric, since)


async def show(ctx: Context, asked: Asked, wanted: Wanted, *, there: SlackPlace | None = None) -> None:
    """Show it in a new message, or in the one that stands `there`; what goes wrong is said in it."""
    installed = None if wanted.of == ALL else await integrations.find(ctx, wanted.of)
    start = ctx.clock.now() - durations.parse(wanted.since)
    if start >= ctx.clock.now() or start < 0:
        raise Invalid(T("Ask for a time such as 1h, 24h or 7d."), path="from")
    metric_named(wanted.metric)
    drawing = asked.say(T(":hourglass_flowing_sand: Drawing the chart…"))
    place = there or await _begin(asked, drawing)
    try:
        await _draw(ctx, asked, installed, wanted, start, place, drawing)
    except CcbError as error:
        said = blocks.plain(asked.say(error.message))
        await asked.slack.chat_update(
            channel=place.channel, ts=place.ts, text=blocks.text_of(said), blocks=[blocks.section(said)]
        )


async def _begin(asked: Asked, drawing: str) -> SlackPlace:
    """Post the message that is edited from then on; to the asker where the bot is not in the channel."""
    message: dict[str, Any] = {"text": drawing, "blocks": [blocks.section(drawing)]}
    try:
        answer = await asked.slack.chat_postMessage(
            channel=asked.channel or asked.user, thread_ts=asked.thread, **message
        )
    except SlackApiError as error:
        if data(error).get("error") not in _ELSEWHERE:
            raise
        answer = await asked.slack.chat_postMessage(channel=asked.user, **message)
        said = T("I cannot post to this channel, so the chart is in our direct messages. To have it here: "
                 "`/invite @ccb`.")  # fmt: skip
        await answers.deliver(asked, Reply(said))
    return SlackPlace(str(answer["channel"]), str(answer["ts"]))


async def _draw(
    ctx: Context, asked: Asked, installed: Installed | None, wanted: Wanted, start: float, place: SlackPlace,
    drawing: str,
) -> None:  # fmt: skip
    zone = await people.zone(ctx, asked.slack, asked.user)
    chart = await charted(
        ctx, installed, wanted.metric, start=start, zone=zone, actor=asked.actor, language=asked.language
    )
    found = await metrics.query(
        ctx, integration_id=installed.id if installed else None, names=_NUMBERS, start=start, end=ctx.clock.now()
    )
    said, head = _said(asked, chart, wanted, found), await _head(ctx, asked, installed, chart, wanted, found)
    buttons = await _buttons(ctx, asked, installed, wanted)

    def around(middle: Sequence[blocks.Block]) -> Sequence[blocks.Block]:
        return [*head, *middle, *buttons]

    waiting = around([blocks.context(drawing)])
    await asked.slack.chat_update(channel=place.channel, ts=place.ts, text=said, blocks=waiting)
    alt = charts.alt(chart, asked.language)
    try:
        png = await charts.png(ctx, charts.spec(chart, asked.language))
        await pictures.place(
            asked.slack, png, alt=alt, channel=place.channel, ts=place.ts, thread=asked.thread, text=said, around=around
        )
    except CcbError as error:
        why = T("{reason} In words: {alt}", reason=error.message, alt=alt)
        without = around([blocks.context(blocks.plain(asked.say(why)))])
        await asked.slack.chat_update(channel=place.channel, ts=place.ts, text=said, blocks=without)
    except SlackApiError as error:
        failed = answers.expected(ctx, asked, error)
        without = around([*failed.blocks, blocks.context(blocks.plain(alt))])
        await asked.slack.chat_update(channel=place.channel, ts=place.ts, text=said, blocks=without)


def _values(asked: Asked, found: Mapping[str, Series]) -> list[tuple[str, str]]:
    return [(asked.say(said), value_of(found[name], asked.language)) for name, said in _NUMBERS.items()]


def value_of(series: Series, language: str) -> str:
    """Return the value of a whole range with its unit; a dash where there is none."""
    if series.value is None:
        return "–"
    return scale_of(series.metric, [series.value]).shown(series.value, language)


def _title(asked: Asked, chart: Chart, wanted: Wanted) -> str:
    return asked.say(T("{name}, the last {span}", name=chart.name, span=span_of(durations.parse(wanted.since))))


def _said(asked: Asked, chart: Chart, wanted: Wanted, found: Mapping[str, Series]) -> str:
    numbers = "; ".join(f"{said}: {value}" for said, value in _values(asked, found))
    return blocks.text_of(blocks.plain(f"{_title(asked, chart, wanted)}. {numbers}."))


async def _head(
    ctx: Context, asked: Asked, installed: Installed | None, chart: Chart, wanted: Wanted, found: Mapping[str, Series]
) -> list[blocks.Block]:
    metric = blocks.code(wanted.metric)
    title = f"*{blocks.plain(_title(asked, chart, wanted))}* · {metric}"
    fields = [f"{blocks.plain(said)}: *{blocks.plain(value)}*" for said, value in _values(asked, found)]
    head = [blocks.section(title, fields=fields)]
    if installed is not None and chart.series.value is None:
        head.append(blocks.context(blocks.plain(asked.say((await status.report(ctx, installed)).summary))))
    return head


async def _buttons(ctx: Context, asked: Asked, installed: Installed | None, wanted: Wanted) -> list[blocks.Block]:
    of = installed.id if installed is not None else ALL
    ranges = [
        blocks.button(since, f"chart:{since}", Wanted(of, wanted.metric, since).value)
        for since in RANGES
        if since != wanted.since
    ]
    options = [blocks.option(name, Wanted(of, name, wanted.since).value) for name in _OFFERED]
    chosen = Wanted(of, wanted.metric, wanted.since).value
    menu = blocks.select(asked.say(T("Another metric")), "chart:metric", options, chosen=chosen)
    made = [blocks.actions([*ranges, menu])]
    if installed is None:
        newest, _ = await listing.newest(ctx, picking.SHOWN)
        one = [
            run_button(asked, other.installed.name, ("metrics", other.installed.slug, wanted.metric, wanted.since),
                       at=str(number))
            for number, other in enumerate(newest)
        ]  # fmt: skip
        made += [blocks.context(asked.say(T("One of them alone:"))), blocks.actions(one)] if one else []
    return made
