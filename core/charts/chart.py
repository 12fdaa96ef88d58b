"""What a chart shows, before anybody draws it or says it in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from core.alerts.rule import Comparator
from core.charts.axes import Scale, scale_of
from core.metrics import Series
from core.texts import Text

UTC = ZoneInfo("UTC")
WIDTH = 640
"""Of the plot, before the scale at which it is drawn: what Slack shows of it stays readable."""
MOST_MARKS = 5
"""Changes that are named below the chart; the newest."""


@dataclass(frozen=True)
class Limit:
    """A value that an alert rule compares the metric with, in the metric's own unit."""

    operator: Comparator
    value: float


@dataclass(frozen=True)
class Mark:
    """Something that was changed: when, what, and by whom."""

    at: float
    what: Text


@dataclass(frozen=True)
class Span:
    """A time for which a rule held. Seconds since the epoch."""

    start: float
    end: float


@dataclass(frozen=True)
class Chart:
    """What a chart shows. `name`: of what the metric is. `zone`: in which times are said."""

    name: str
    series: Series
    limits: tuple[Limit, ...] = ()
    marks: tuple[Mark, ...] = ()
    spans: tuple[Span, ...] = ()
    zone: ZoneInfo = UTC
    width: int = WIDTH
    """Of the plot, in pixels."""

    @property
    def values(self) -> list[int | float]:
        """The values that there are."""
        return [point.value for point in self.series.points if point.value is not None]

    @property
    def scale(self) -> Scale:
        """In which unit it is shown."""
        return scale_of(self.series.metric, [*self.values, *(limit.value for limit in self.limits)])

    @property
    def shown_marks(self) -> list[Mark]:
        """The changes that are drawn, oldest first."""
        within = [mark for mark in self.marks if self.series.start <= mark.at <= self.series.end]
        return sorted(within, key=lambda mark: mark.at)[-MOST_MARKS:]


def missing(series: Series) -> list[Span]:
    """Return the times of which a series has no value, those that touch as one."""
    found: list[Span] = []
    for point in series.points:
        if point.value is not None:
            continue
        end = min(float(point.at + series.step), series.end)
        if found and found[-1].end == point.at:
            found[-1] = Span(found[-1].start, end)
        else:
            found.append(Span(point.at, end))
    return found
