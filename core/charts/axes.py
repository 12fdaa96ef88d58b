"""The two axes of a chart: where their ticks stand and what is written at them. Pure.

Both are chosen here and not by Vega: the picture for Slack and the chart in a browser say the same, in the reader's
language and zone, whatever machine draws them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from core.metrics import Metric
from core.texts import T, Text

Number = int | float

_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400, 14 * 86400)
LEAST = 4e-6
"""The lowest top of an axis: what is below is not written with its digits."""
_MOST_DIGITS = 6
_LARGER = (("ms", 1.0), ("s", 1_000.0), ("min", 60_000.0), ("h", 3_600_000.0))
_SIZES = dict(_LARGER)
_UNITS: dict[str, Text] = {
    "%": T("%"),
    "ms": T("ms"),
    "s": T("s"),
    "min": T("min"),
    "h": T("h"),
    "count": T("number"),
    "count/min": T("per minute"),
    "USD": T("USD"),
}


@dataclass(frozen=True)
class Scale:
    """How a metric's values are shown: divided by `divisor`, in `unit`."""

    divisor: float
    unit: str

    def shown(self, value: Number, language: str) -> str:
        """Return a value with its unit, as it stands in a sentence: `12.4 %`, `1.2 s`, `1,204`.

        A time that would be little more than zeros on this scale, such as a limit of 500 ms among minutes, has its own.
        """
        if self.unit in _SIZES and 0 < value < self.divisor / 10:
            milliseconds = value / self.divisor * _SIZES[self.unit]
            unit, size = _easily_read(milliseconds)
            return f"{written(milliseconds / size, language)} {_UNITS[unit].render(language)}"
        number = written(value / self.divisor, language)
        if self.unit == "count":
            return number
        if self.unit == "count/min":
            return T("{number} per minute", number=number).render(language)
        return f"{number} {self.word(language)}"

    def word(self, language: str) -> str:
        """Return the unit."""
        return _UNITS[self.unit].render(language)


@dataclass(frozen=True)
class Tick:
    """One place of an axis and what is written there."""

    at: float
    label: str


def scale_of(metric: Metric, values: Sequence[Number]) -> Scale:
    """Return the scale in which the largest of `values` is easily read: times in ms, s, min or h."""
    if metric.unit not in ("ms", "s"):
        return Scale(1.0, metric.unit)
    of_one = 1.0 if metric.unit == "ms" else 1_000.0
    unit, size = _easily_read(max(values, default=0.0) * of_one)
    return Scale(size / of_one, unit)


def _easily_read(milliseconds: float) -> tuple[str, float]:
    """Return the unit in which a time is easily read, and how many milliseconds it has."""
    return next((known for known in reversed(_LARGER) if milliseconds >= 2 * known[1]), _LARGER[0])


def written(value: Number, language: str) -> str:
    """Return a number as it is written in `language`, with no more digits than are worth reading."""
    digits = _digits(value)
    return format_decimal(round(value, digits), format=f"#,##0.{'#' * digits}" if digits else "#,##0", locale=language)


def _digits(value: Number) -> int:
    """Return how many digits a number has behind its point; a small one as many as tell it from 0."""
    if float(value).is_integer() or abs(value) >= 1000:
        return 0
    if abs(value) >= 0.1:
        return 1 if abs(value) >= 10 else 2
    return min(_MOST_DIGITS, 1 - math.floor(math.log10(abs(value))))


def heights(top: float, *, whole: bool, language: str, wanted: int = 4) -> list[Tick]:
    """Return the ticks of a vertical axis from 0 to at least `top`. `whole`: there is nothing between 1 and 2."""
    top = max(top or 1.0, LEAST)
    raw = top / wanted
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
    if whole:
        step = max(1.0, math.ceil(step))
    count = max(1, math.ceil(top / step - 1e-9))
    return [Tick(at, written(at, language)) for at in (round(step * number, 9) for number in range(count + 1))]


def times(start: float, end: float, *, zone: ZoneInfo, language: str, most: int = 7) -> list[Tick]:
    """Return the ticks of a time axis: on whole minutes, hours or days of `zone`."""
    span = end - start
    step = next((known for known in _STEPS if span / known <= most), math.ceil(span / most / 86_400) * 86_400)
    midnight = datetime.fromtimestamp(start, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Tick] = []
    for number in range(1 + math.ceil((span + 2 * 86_400) / step)):
        at = _after(midnight, number * step, days=step >= 86_400)
        if start <= at.timestamp() <= end:
            found.append(Tick(at.timestamp(), _label(at, step, first=not found, language=language)))
    return found


def _after(midnight: datetime, seconds: int, *, days: bool) -> datetime:
    """Return the time on the wall so long after midnight; a day stays a day when clocks are put on."""
    if days:
        return midnight + timedelta(seconds=seconds)
    return (midnight.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(midnight.tzinfo)


def _label(at: datetime, step: int, *, first: bool, language: str) -> str:
    day = day_of(at, language)
    if step >= 86_400:
        return day
    if at.hour == at.minute == 0 or (first and step >= 21_600):
        return day if at.hour == at.minute == 0 else f"{day} {clock(at)}"
    return clock(at)


def clock(at: datetime) -> str:
    """Return the time of day."""
    return f"{at:%H:%M}"


def day_of(at: datetime, language: str) -> str:
    """Return the day, short: `24 Nov`, `24 нояб.`."""
    return format_date(at, "d MMM", locale=language)


def zone_name(zone: ZoneInfo, at: float) -> str:
    """Return a zone and how far it is from UTC: `UTC`, `Europe/Moscow, UTC+03:00`."""
    if zone.key in ("UTC", "Etc/UTC"):
        return "UTC"
    offset = datetime.fromtimestamp(at, zone).strftime("%z")
    return f"{zone.key}, UTC{offset[:3]}:{offset[3:]}"
