"""One chart as a Vega-Lite specification: plain data, from which a PNG or a chart in a browser is drawn. Pure.

https://vega.github.io/vega-lite/docs/spec.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from core.charts.axes import Scale, Tick, clock, day_of, heights, times, zone_name
from core.charts.chart import Chart, Limit, Mark, missing
from core.charts.words import alt
from core.texts import T

HEIGHT = 250
"""Of the plot, in pixels."""
_FONT = "Liberation Sans, Arial, DejaVu Sans, sans-serif"
_INK, _FAINT, _LINE, _LIMIT, _HELD = "#1d1c1d", "#616061", "#1264a3", "#c0362c", "#f2b8b5"


def spec(chart: Chart, language: str) -> dict[str, Any]:
    """Return the specification, its words in `language`."""
    scale = chart.scale
    largest = max([*chart.values, *(limit.value for limit in chart.limits)], default=0.0) / scale.divisor
    above = largest * 1.08  # room for what is said at a limit
    if scale.unit == "%" and largest <= 100:
        above = min(above, 100.0)  # there is no more than all
    ticks = heights(above, whole=scale.unit == "count", language=language)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": chart.width,
        "height": HEIGHT,
        "background": "white",
        "padding": 14,
        "description": alt(chart, language),
        "title": {
            "text": _short(f"{chart.series.metric.name} · {chart.name}"),
            "subtitle": _subtitle(chart, scale, language),
            "anchor": "start",
            "offset": 14,
        },
        "encoding": {"x": _x(chart, language)},
        "layer": list(_layers(chart, scale, ticks, language)),
        "config": _CONFIG,
    }


def _x(chart: Chart, language: str) -> dict[str, Any]:
    start, end = chart.series.start, chart.series.end
    ticks = times(start, end, zone=chart.zone, language=language)
    title = [T("time ({zone})", zone=zone_name(chart.zone, end)).render(language)]
    title += [
        f"{number}. {_when(mark.at, chart, language)} {_short(mark.what.render(language), 80)}"
        for number, mark in enumerate(chart.shown_marks, 1)
    ]
    axis = {"grid": False, "title": title, "titleAlign": "left", "titleAnchor": "start", **_labelled(ticks)}
    return {"field": "at", "type": "quantitative", "scale": {"domain": [start, end], "nice": False}, "axis": axis}


def _y(ticks: Sequence[Tick], title: str) -> dict[str, Any]:
    scale = {"domain": [ticks[0].at, ticks[-1].at], "nice": False}
    return {"field": "value", "type": "quantitative", "scale": scale, "axis": {"title": title, **_labelled(ticks)}}


def _labelled(ticks: Sequence[Tick]) -> dict[str, Any]:
    """Return an axis's ticks with our own labels; Vega looks them up by their places."""
    labels = json.dumps({f"{tick.at:g}" if tick.at < 1e6 else f"{tick.at:.0f}": tick.label for tick in ticks})
    return {"values": [tick.at for tick in ticks], "labelExpr": f"({labels})[toString(datum.value)]"}


def _layers(chart: Chart, scale: Scale, ticks: Sequence[Tick], language: str) -> Iterator[dict[str, Any]]:
    y = _y(ticks, f"{chart.series.metric.name}, {scale.word(language)}")
    yield from _missing(chart, language)
    yield from _held(chart, language)
    yield from _values(chart, scale, y, language)
    yield from _limits(chart, scale, ticks[-1].at, language)
    yield from _marks(chart)


def _missing(chart: Chart, language: str) -> Iterator[dict[str, Any]]:
    """Give the times of which nothing is known: hatched by their word, never drawn as 0."""
    gaps = [{"at": gap.start, "end": gap.end} for gap in missing(chart.series)]
    if not gaps:
        return
    yield {
        "data": {"values": gaps},
        "mark": {"type": "rect", "color": "#e8e8e8", "opacity": 0.7},
        "encoding": {"x2": {"field": "end"}},
    }
    whole = chart.series.end - chart.series.start
    wide = [gap for gap in gaps if gap["end"] - gap["at"] >= whole * 0.12]
    if wide:
        yield {
            "data": {"values": [{"at": (gap["at"] + gap["end"]) / 2} for gap in wide]},
            "mark": {"type": "text", "color": _FAINT, "fontSize": 14, "fontStyle": "italic"},
            "encoding": {"text": {"value": T("no data").render(language)}, "y": {"value": HEIGHT / 2}},
        }


def _held(chart: Chart, language: str) -> Iterator[dict[str, Any]]:
    """Give the times for which the rule held: tinted, with a bar and a triangle at the top."""
    spans = [
        {"at": max(span.start, chart.series.start), "end": min(span.end, chart.series.end)} for span in chart.spans
    ]
    if not spans:
        return
    yield {
        "data": {"values": spans},
        "mark": {"type": "rect", "color": _HELD, "opacity": 0.45},
        "encoding": {"x2": {"field": "end"}},
    }
    yield {
        "data": {"values": spans},
        "mark": {"type": "rect", "color": _LIMIT},
        "encoding": {"x2": {"field": "end"}, "y": {"value": 0}, "y2": {"value": 5}},
    }
    yield {
        "data": {"values": spans},
        "mark": {"type": "point", "shape": "triangle-down", "filled": True, "color": _LIMIT, "size": 90, "opacity": 1},
        "encoding": {"y": {"value": -6}, "tooltip": {"value": T("the rule would fire").render(language)}},
    }


def _values(chart: Chart, scale: Scale, y: dict[str, Any], language: str) -> Iterator[dict[str, Any]]:
    series, rows = chart.series, _rows(chart, scale, language)
    tooltip = [
        {"field": "when", "type": "nominal", "title": T("time").render(language)},
        {"field": "shown", "type": "nominal", "title": series.metric.name},
    ]
    if series.metric.kind == "counter":
        yield {
            "data": {"values": [row for row in rows if row["value"] is not None]},
            "mark": {"type": "rect", "color": _LINE, "opacity": 0.85},
            "encoding": {"x2": {"field": "end"}, "y": y, "y2": {"datum": 0}, "tooltip": tooltip},
        }
        return
    yield {
        "data": {"values": rows},
        "mark": {"type": "line", "color": _LINE, "strokeWidth": 2.5, "strokeJoin": "round"},
        "encoding": {"y": y, "tooltip": tooltip},
    }
    lonely = [row for row, alone in zip(rows, _alone(rows), strict=True) if alone]
    if lonely:  # a line needs two points: one between two gaps would not be seen
        yield {
            "data": {"values": lonely},
            "mark": {"type": "point", "filled": True, "color": _LINE, "size": 50, "opacity": 1},
            "encoding": {"y": y, "tooltip": tooltip},
        }


def _rows(chart: Chart, scale: Scale, language: str) -> list[dict[str, Any]]:
    series, bars = chart.series, chart.series.metric.kind == "counter"
    rows = []
    for point in series.points:
        end = min(point.at + series.step, series.end)
        value = None if point.value is None else point.value / scale.divisor
        rows.append(
            {
                "at": point.at if bars else (point.at + end) / 2,
                "end": point.at + (end - point.at) * 0.85,
                "value": value,
                "when": _when(point.at, chart, language),
                "shown": "–" if point.value is None else scale.shown(point.value, language),
            }
        )
    return rows


def _alone(rows: Sequence[dict[str, Any]]) -> Iterator[bool]:
    values = [None, *(row["value"] for row in rows), None]
    for before, value, after in zip(values, values[1:], values[2:], strict=False):
        yield value is not None and before is None and after is None


def _limits(chart: Chart, scale: Scale, top: float, language: str) -> Iterator[dict[str, Any]]:
    y = {"field": "value", "type": "quantitative"}
    for group in _near(chart.limits, near=top * scale.divisor * 0.09):
        rows = [{"value": limit.value / scale.divisor, "x": chart.series.start} for limit in group]
        yield {
            "data": {"values": rows},
            "mark": {"type": "rule", "color": _LIMIT, "strokeDash": [7, 4], "strokeWidth": 2},
            "encoding": {"x": {"value": 0}, "x2": {"value": chart.width}, "y": y},
        }
        named = [f"{limit.operator} {scale.shown(limit.value, language)}" for limit in group]
        said = T("limit: {limits}", limits=", ".join(named))
        rows = rows[-1:]
        words = {"x": {"value": chart.width - 6}, "y": y, "text": {"value": said.render(language)}}
        look = {"type": "text", "align": "right", "baseline": "bottom", "dy": -5, "fontSize": 15, "fontWeight": "bold"}
        halo = {"color": "white", "stroke": "white", "strokeWidth": 5, "strokeJoin": "round"}
        yield {"data": {"values": rows}, "mark": {**look, **halo}, "encoding": words}
        yield {"data": {"values": rows}, "mark": {**look, "color": _LIMIT}, "encoding": words}


def _near(limits: Sequence[Limit], *, near: float) -> list[list[Limit]]:
    """Return limits from the lowest up, those together whose words would stand on each other."""
    found: list[list[Limit]] = []
    for limit in sorted(dict.fromkeys(limits), key=lambda limit: limit.value):
        if found and limit.value - found[-1][-1].value < near:
            found[-1].append(limit)
        else:
            found.append([limit])
    return found


def _marks(chart: Chart) -> Iterator[dict[str, Any]]:
    marks = chart.shown_marks
    if not marks:
        return
    yield {
        "data": {"values": [{"at": mark.at} for mark in marks]},
        "mark": {"type": "rule", "color": _INK, "strokeDash": [2, 3], "strokeWidth": 1.5},
    }
    yield {
        "data": {"values": [{"at": at, "numbers": numbers} for at, numbers in _numbered(chart, marks)]},
        "mark": {
            "type": "text",
            "dy": -21 if chart.spans else -9,
            "baseline": "bottom",
            "fontSize": 15,
            "fontWeight": "bold",
            "color": _INK,
        },
        "encoding": {"y": {"value": 4}, "text": {"field": "numbers", "type": "nominal"}},
    }


def _numbered(chart: Chart, marks: Sequence[Mark]) -> list[tuple[float, str]]:
    """Return where the numbers of changes stand; those too near to each other are written together."""
    near = (chart.series.end - chart.series.start) * 0.03
    found: list[tuple[float, str]] = []
    last = float("-inf")
    for number, mark in enumerate(marks, 1):
        if found and mark.at - last < near:
            found[-1] = (found[-1][0], f"{found[-1][1]},{number}")
        else:
            found.append((mark.at, str(number)))
        last = mark.at
    return found


def _subtitle(chart: Chart, scale: Scale, language: str) -> str:
    value = chart.series.value
    span = _range(chart, language)
    if value is None:
        return T("{span} · no data", span=span).render(language)
    shown = scale.shown(value, language)
    if chart.series.metric.kind == "gauge":
        return T("{span} · now {value}", span=span, value=shown).render(language)
    return T("{span} · in all {value}", span=span, value=shown).render(language)


def _range(chart: Chart, language: str) -> str:
    start, end = (datetime.fromtimestamp(at, chart.zone) for at in (chart.series.start, chart.series.end))
    if start.date() == end.date():
        return f"{day_of(start, language)}, {clock(start)}–{clock(end)}"
    return f"{day_of(start, language)} {clock(start)} – {day_of(end, language)} {clock(end)}"


def _when(at: float, chart: Chart, language: str) -> str:
    time = datetime.fromtimestamp(at, chart.zone)
    return clock(time) if chart.series.end - chart.series.start < 72_000 else f"{day_of(time, language)} {clock(time)}"


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


_CONFIG: dict[str, Any] = {
    "font": _FONT,
    "title": {
        "font": _FONT, "fontSize": 19, "fontWeight": "bold", "color": _INK, "subtitleFont": _FONT,
        "subtitleFontSize": 15, "subtitleColor": _FAINT, "subtitlePadding": 5,
    },
    "axis": {
        "labelFont": _FONT, "titleFont": _FONT, "labelFontSize": 14, "titleFontSize": 14, "titleFontWeight": "normal",
        "labelColor": _INK, "titleColor": _FAINT, "gridColor": "#e5e5e5", "domainColor": "#868686",
        "tickColor": "#868686", "labelOverlap": True, "titlePadding": 9,
    },
    "text": {"font": _FONT},
    "view": {"stroke": None},
}  # fmt: skip
