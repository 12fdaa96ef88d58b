"""`/dashboard/alerts/{id}`: one alert: what is wrong, whether somebody was told, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from core import alerting, charts
from core.alerting import charted, message
from core.alerting.engine_words import spoken
from core.alerting.subjects import ENGINE
from core.alerting.told import told
from core.charts import Chart, Span
from core.context import Context
from core.errors import CcbError, Conflict, Invalid, NotFound
from core.http import alert_list, errors, silences
from core.http.alert_list import AcknowledgeIn, SnoozeIn
from core.http.charts import ChartQuery, zone_of
from core.http.dashboard import forms, mending
from core.http.dashboard.alerts import state_of
from core.http.dashboard.door import Shown, action, page
from core.http.dashboard.integration import DrawnQuery, interactive
from core.http.dashboard.names import worded
from core.http.dashboard.story import item_kind, sign
from core.http.routes import Request, json_response
from core.metrics import METRICS
from core.texts import T, Text
from storage.alerts import Alert

BEFORE_SECONDS, AFTER_SECONDS = 3600.0, 1800.0
"""What the chart shows before the alert began, and after it ended."""
LONGEST_SECONDS = 7 * 86_400.0
FIELDS = ("comment", "for")


class AlertDrawnQuery(DrawnQuery):
    """What an alert's chart in a browser is asked by; its metric and time are the alert's own."""

    metric: str = ""


class AlertChartQuery(ChartQuery):
    """The same of its picture."""

    metric: str = ""


@page("/dashboard/alerts/{id}", permission="alerts.read", section="alerts")
async def alert(ctx: Context, request: Request) -> Shown:
    """Show an alert."""
    return await _shown(ctx, request)


@action("/dashboard/alerts/{id}/acknowledge", permission="alerts.write", section="alerts")
async def acknowledge(ctx: Context, request: Request) -> str | Shown:
    """Say that somebody looks after it."""

    async def do() -> None:
        wish = forms.parsed(AcknowledgeIn, {"comment": request.body.get("comment", "")})
        await alert_list.acknowledge(ctx, replace(request, body=wish))

    return await _done(ctx, request, do)


@action("/dashboard/alerts/{id}/snooze", permission="alerts.write", section="alerts")
async def snooze(ctx: Context, request: Request) -> str | Shown:
    """Be quiet about it for an hour, until tomorrow, or for as long as was typed."""

    async def do() -> None:
        wish: dict[str, str] = {"for": "1h"}
        if request.body.get("how") == "tomorrow":
            wish = {"until": "tomorrow", "timezone": request.body.get("timezone", "UTC")}
        elif request.body.get("how") == "other":
            wish = {"for": request.body.get("for", "").strip()}
        await alert_list.snooze(ctx, replace(request, body=forms.parsed(SnoozeIn, wish)))

    return await _done(ctx, request, do)


@action("/dashboard/alerts/{id}/unsnooze", permission="alerts.write", section="alerts")
async def unsnooze(ctx: Context, request: Request) -> str | Shown:
    """End the snoozing."""

    async def do() -> None:
        await alert_list.unsnooze(ctx, request)

    return await _done(ctx, request, do)


@page("/dashboard/alerts/{id}/chart.json", permission="metrics.read", query=AlertDrawnQuery)
async def chart_spec(ctx: Context, request: Request) -> web.Response:
    """Give the chart's specification for a browser."""
    query = request.query_as(AlertDrawnQuery)
    chart = replace(await _chart_of(ctx, request, zone=query.tz), width=query.width)
    return json_response(interactive(charts.spec(chart, request.language)))


@page("/dashboard/alerts/{id}/chart.png", permission="metrics.read", query=AlertChartQuery)
async def chart_png(ctx: Context, request: Request) -> web.Response:
    """Give the chart as a picture, where no script runs."""
    chart = await _chart_of(ctx, request, zone=request.query_as(AlertChartQuery).tz)
    return web.Response(body=await charts.png(ctx, charts.spec(chart, request.language)), content_type="image/png")


async def _chart_of(ctx: Context, request: Request, *, zone: str) -> Chart:
    request.actor.require("alerts.read")
    chart = await _chart(ctx, request, await alerting.find(ctx, request.path["id"]), zone=zone)
    if chart is None:
        raise NotFound(T("This alert is about no metric, so there is no chart of it."))
    return chart


async def _done(ctx: Context, request: Request, do: Any) -> str | Shown:
    """Do it and go back to the alert; where it cannot be done, show the alert with what was typed, and why not."""
    try:
        await do()
    except (Invalid, Conflict) as error:
        return await _shown(ctx, request, error=error)
    return f"/dashboard/alerts/{request.path['id']}"


async def _shown(ctx: Context, request: Request, *, error: CcbError | None = None) -> Shown:
    found, language, now = await alerting.find(ctx, request.path["id"]), request.language, ctx.clock.now()
    lines, messages = await alerting.history(ctx, found), await alerting.attempts(ctx, found)
    history = await alert_list.history(ctx, request)
    one = worded(alert_list.alert_out(ctx, found, language), language)
    form: Mapping[str, str] = request.body or {}
    return Shown(
        "alert.html",
        spoken(found.name) if found.integration_id == ENGINE else found.name,
        {
            "t": _WORDS,
            "one": one,
            "state_now": state_of(found, now),
            "what": message.what(found).render(language),
            "told": " ".join(text.render(language) for text in told(found, lines, messages, now=now)),
            "history": [(sign(line.kind), line) for line in history.history],
            "messages": [(sent, [(item_kind(item.kind).render(language), item) for item in sent.items])
                         for sent in history.messages],
            "chart": await _charted(ctx, request, found),
            "measured": request.actor.may("metrics.read"),
            "description": mending.of_alert(found.description) if found.description else None,
            "silence": await _silence(ctx, found),
            "engine": found.integration_id == ENGINE,
            "snoozed": found.snoozed_until is not None and now < found.snoozed_until,
            "may": request.actor.may("alerts.write"),
            "replay": found.integration_id != ENGINE and request.actor.may("events.replay"),
            "silent": urlencode({"integration": found.integration_id, "rule": found.name}),
            "silent_all": urlencode({"integration": found.integration_id}),
            "typed": forms.typed(form, FIELDS),
            "problems": forms.problems(error, FIELDS, language) if error is not None else {},
        },
        errors.status_of(error) if error is not None else 200,
    )  # fmt: skip


async def _silence(ctx: Context, found: Alert) -> silences.SilenceOut | None:
    if found.silenced_by is None:
        return None
    try:
        return silences.silence_out(ctx, await alerting.silence(ctx, found.silenced_by))
    except NotFound:  # it is forgotten sooner than an alert that goes on
        return None


async def _charted(ctx: Context, request: Request, found: Alert) -> dict[str, str] | None:
    if not request.actor.may("metrics.read"):
        return None
    chart = await _chart(ctx, request, found)
    if chart is None:
        return None
    path = f"/dashboard/alerts/{found.id}/chart"
    return {"spec": f"{path}.json", "picture": f"{path}.png", "alt": charts.alt(chart, request.language)}


async def _chart(ctx: Context, request: Request, found: Alert, *, zone: str = "UTC") -> Chart | None:
    """Return the chart of an alert, with the time for which it fired; None where it is about no metric."""
    if found.integration_id == ENGINE or found.metric not in METRICS:
        return None
    now = ctx.clock.now() // 60 * 60  # a minute that is not over yet would look like a fall
    end = max(now if found.ended_at is None else min(now, found.ended_at + AFTER_SECONDS), found.started_at + 60)
    start = max(found.started_at - BEFORE_SECONDS, end - LONGEST_SECONDS)
    chart = await charted.of_alert(ctx, found, start, end, zone=zone_of(zone))
    if found.fired_at is not None:
        chart = replace(chart, spans=(Span(found.fired_at, end if found.ended_at is None else found.ended_at),))
    return chart if request.actor.may("integrations.read") else replace(chart, marks=())


_WORDS: dict[str, Text] = {
    "back": T("Alerts"),
    "told": T("Was somebody told?"),
    "since": T("Since"),
    "fired": T("Fired at"),
    "ended": T("Ended"),
    "cause": T("Commonest cause"),
    "changes": T("Changed shortly before"),
    "no_changes": T("Nothing in the hour before."),
    "rule": T("Rule"),
    "acknowledged": T("Acknowledged by"),
    "snoozed": T("Snoozed until"),
    "by": T("by"),
    "silence": T("Kept quiet by"),
    "until": T("until"),
    "no_data": T("There is no data now: it is not known whether it goes on."),
    "flaps": T("It comes and goes: it fired more than three times within an hour, and is told less often."),
    "advice": T("What to do"),
    "chart": T("Chart"),
    "zoom": T("Point at it for values. Turn the wheel to zoom, drag to move, press twice to see all."),
    "no_chart": T("The chart is shown to keys with the permission metrics.read."),
    "history": T("History"),
    "channels": T("Channels"),
    "channel": T("Channel"),
    "said": T("What was to be said"),
    "state": T("State"),
    "attempts": T("Attempts"),
    "next": T("Next attempt"),
    "answer": T("What it answered"),
    "nothing_said": T("No message was planned."),
    "next_steps": T("Next steps"),
    "trace": T("Trace one of the failed events"),
    "replay": T("Replay what failed…"),
    "rules": T("Show the rule"),
    "doctor": T("Show the integration and its problems"),
    "system": T("Show the system page"),
    "acknowledge": T("Acknowledge"),
    "comment": T("Comment"),
    "comment_hint": T("Such as: looking. It stands in the messages. It is not told again until it ends."),
    "hour": T("Snooze 1 h"),
    "tomorrow": T("Snooze until tomorrow, 9:00"),
    "other": T("Snooze for"),
    "other_hint": T("1m to 30d, such as 3h. If it fires still, it is told again then."),
    "unsnooze": T("End snooze"),
    "silence_rule": T("Silence this rule…"),
    "silence_integration": T("Silence the whole integration…"),
    "silence_engine": T("Silence all alerts of the engine itself…"),
    "may_not": T("To acknowledge, snooze or silence it, sign in with a key that has the permission alerts.write."),
    "together": T("together with"),
}
