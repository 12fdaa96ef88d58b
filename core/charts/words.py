"""A chart in words: its numbers, for whoever cannot see it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from core.alerts.rule import COMPARE
from core.charts.axes import clock, day_of, zone_name
from core.charts.chart import Chart, Limit, missing
from core.texts import TN, T, Text


def alt(chart: Chart, language: str) -> str:
    """Return what a chart shows in words and numbers, for whoever cannot see it."""
    return " ".join(sentence.render(language) for sentence in _sentences(chart, language))


def _sentences(chart: Chart, language: str) -> Iterator[Text]:
    """Give what is to be said, a sentence at a time; numbers and times are in `language` already."""
    series, scale = chart.series, chart.scale
    zone = zone_name(chart.zone, series.end)
    yield T("{metric} of {name} from {start} to {end} ({zone}).", metric=series.metric.name, name=chart.name,
            start=_said(series.start, chart, language), end=_said(series.end, chart, language), zone=zone)  # fmt: skip
    points = [point for point in series.points if point.value is not None]
    if not points:
        yield T("There is no data of this time.")
        return
    values = [(point.value, -point.at) for point in points if point.value is not None]
    (least, _), (most, at) = min(values), max(values)
    yield T("Lowest {least}, highest {most} at {at}, last {last}.", least=scale.shown(least, language),
            most=scale.shown(most, language), at=_said(-at, chart, language),
            last=scale.shown(values[-1][0], language))  # fmt: skip
    for limit in dict.fromkeys(chart.limits):
        yield _limit(chart, limit, language)
    if missing(series):
        count = len(series.points) - len(points)
        yield TN("{count} of {all} points has no data.", "{count} of {all} points have no data.", count,
                 all=len(series.points))  # fmt: skip
    for mark in chart.shown_marks:
        yield T("{at}: {what}.", at=_said(mark.at, chart, language), what=mark.what)


def _limit(chart: Chart, limit: Limit, language: str) -> Text:
    beyond = sum(1 for value in chart.values if COMPARE[limit.operator](value, limit.value))
    return TN(
        "The limit {operator} {value} is met at {count} point.",
        "The limit {operator} {value} is met at {count} points.",
        beyond,
        operator=limit.operator,
        value=chart.scale.shown(limit.value, language),
    )


def _said(at: float, chart: Chart, language: str) -> str:
    time = datetime.fromtimestamp(at, chart.zone)
    return f"{day_of(time, language)} {clock(time)}"
