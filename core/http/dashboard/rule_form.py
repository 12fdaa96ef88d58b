"""An alert rule as a form: tried on the last seven days before it is saved, and what is wrong shown where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import alerts, channels, charts, integrations
from core.alerting.charted import played
from core.alerting.preview import Preview, preview
from core.alerting.preview_words import sentence
from core.alerting.words import measured
from core.alerts import RuleWish, Seen, Stored
from core.charts import Chart
from core.context import Context
from core.errors import CcbError, Conflict, Invalid, NotFound
from core.http import errors
from core.http.charts import zone_of
from core.http.dashboard import forms
from core.http.dashboard.door import Shown, action, page
from core.http.dashboard.integration import NARROWEST, WIDEST, interactive
from core.http.routes import Request, json_response
from core.integrations import Installed
from core.texts import T

SECONDS = 7 * 86_400
MOST_TIMES = 10
"""Times at which it would have fired that are listed; the chart has all."""
FIELDS = (
    "name", "condition", "resolve_condition", "severity", "notification_channels", "description", "min_samples",
    "repeat_interval",
)  # fmt: skip
EXAMPLES = ("error_rate > 5% for 5m", "latency_p95 > 500ms for 5m", "no_events for 1h",
            "error_rate > 3 * avg(error_rate, 1d)", "queue_depth > 100 and queue_age > 2m")  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,9}")


class PreviewQuery(BaseModel):
    """The conditions of a rule that is not saved, and how its chart is to be."""

    model_config = ConfigDict(extra="forbid")

    condition: str = Field(max_length=500)
    resolve_condition: str | None = Field(None, max_length=500)
    min_samples: int | None = Field(None, ge=1, le=1_000_000)
    tz: str = Field("UTC", max_length=64)
    width: int = Field(640, ge=NARROWEST, le=WIDEST)


@dataclass(frozen=True)
class _Form:
    """What the form holds. `seen`: when the rule had last been changed as its page was opened."""

    installed: Installed
    stored: Stored | None
    typed: Mapping[str, str]
    seen: str = ""


@page("/dashboard/integrations/{id}/alerts/new", permission="alerts.write", section="integrations")
async def new(ctx: Context, request: Request) -> Shown:
    """Ask for a new rule."""
    installed = await integrations.find(ctx, request.path["id"])
    return _shown(request, _Form(installed, None, dict.fromkeys(FIELDS, "") | {"severity": "warning"}))


@page("/dashboard/integrations/{id}/alerts/rules/{rule}", permission="alerts.write", section="integrations")
async def edit(ctx: Context, request: Request) -> Shown:
    """Show a rule to be changed."""
    installed = await integrations.find(ctx, request.path["id"])
    stored = await alerts.find(ctx, installed.id, request.path["rule"])
    return _shown(request, _Form(installed, stored, _typed(stored), repr(stored.updated_at)))


@action("/dashboard/integrations/{id}/alerts/new", permission="alerts.write", section="integrations")
async def add(ctx: Context, request: Request) -> str | Shown:
    """Try a new rule on the past, or add it."""
    installed = await integrations.find(ctx, request.path["id"])
    form = _Form(installed, None, forms.typed(request.body, FIELDS))
    if request.body.get("do") != "save":
        return await _tried(ctx, request, form)
    try:
        wish = _wish(form.typed)
        await alerts.check(ctx, installed.id, wish)
        stored = await alerts.add(ctx, installed.id, wish, actor=request.actor)
    except Invalid as error:
        return _shown(request, form, error=error)
    return _saved(installed, stored)


@action("/dashboard/integrations/{id}/alerts/rules/{rule}", permission="alerts.write", section="integrations")
async def change(ctx: Context, request: Request) -> str | Shown:
    """Try a changed rule on the past, or save it."""
    installed = await integrations.find(ctx, request.path["id"])
    stored = await alerts.find(ctx, installed.id, request.path["rule"])
    form = _Form(installed, stored, forms.typed(request.body, FIELDS), request.body.get("seen", ""))
    if request.body.get("do") != "save":
        return await _tried(ctx, request, form)
    try:
        wish = _wish(form.typed)
        seen = Seen(stored.id, stored.updated_at if form.seen == repr(stored.updated_at) else -1.0)
        await alerts.check(ctx, installed.id, wish, seen=seen)
        saved = await alerts.change(ctx, installed.id, seen, wish, actor=request.actor)
    except (Invalid, Conflict) as error:
        return _shown(request, _Form(installed, stored, form.typed, repr(stored.updated_at)), error=error)
    return _saved(installed, saved)


@page("/dashboard/integrations/{id}/alerts/preview.json", permission="metrics.read", query=PreviewQuery)
async def preview_spec(ctx: Context, request: Request) -> web.Response:
    """Give the chart of what a rule would have done, for a browser."""
    return json_response(interactive(charts.spec(await _chart(ctx, request), request.language)))


@page("/dashboard/integrations/{id}/alerts/preview.png", permission="metrics.read", query=PreviewQuery)
async def preview_png(ctx: Context, request: Request) -> web.Response:
    """Give the same as a picture, where no script runs."""
    spec = charts.spec(await _chart(ctx, request), request.language)
    return web.Response(body=await charts.png(ctx, spec), content_type="image/png")


async def _chart(ctx: Context, request: Request) -> Chart:
    request.actor.require("alerts.read")
    query, zone = request.query_as(PreviewQuery), zone_of(request.query_as(PreviewQuery).tz)
    installed = await integrations.find(ctx, request.path["id"])
    found = await preview(
        ctx, installed.id, condition=query.condition, resolve_condition=query.resolve_condition or None,
        min_samples=query.min_samples, start=ctx.clock.now() - SECONDS,
    )  # fmt: skip
    chart = await played(ctx, installed, query.condition, found, zone=zone, actor=request.actor)
    if chart is None:
        raise NotFound(T("This rule is about no metric, so there is no chart of it."))
    return replace(chart, width=query.width)


async def _tried(ctx: Context, request: Request, form: _Form) -> Shown:
    """Say what the typed rule would have done; where it is none, what is wrong with it."""
    request.actor.require("alerts.read", "metrics.read")
    samples = form.typed["min_samples"].strip()
    try:
        condition = {"name": "-", **_given(form.typed, ("condition", "resolve_condition", "min_samples"))}
        wish = forms.parsed(RuleWish, condition)
        alerts.checked([wish], path="rules")
        found = await preview(
            ctx, form.installed.id, condition=wish.condition, resolve_condition=wish.resolve_condition,
            min_samples=wish.min_samples, start=ctx.clock.now() - SECONDS,
        )  # fmt: skip
    except Invalid as error:
        return _shown(request, form, error=error)
    chart = await played(ctx, form.installed, wish.condition, found, zone=zone_of("UTC"), actor=request.actor)
    query = {"condition": wish.condition, "resolve_condition": wish.resolve_condition, "min_samples": samples}
    outcome: dict[str, Any] = {
        "sentence": sentence(found, request.language),
        "times": _times(found, request.language),
        "more": max(0, len(found.fired) - MOST_TIMES),
        "chart": None,
    }
    if chart is not None:
        asked = urlencode({name: value for name, value in query.items() if value})
        path = f"/dashboard/integrations/{form.installed.id}/alerts/preview"
        outcome["chart"] = {"spec": f"{path}.json?{asked}", "picture": f"{path}.png?{asked}",
                            "alt": charts.alt(chart, request.language)}  # fmt: skip
    return _shown(request, form, outcome=outcome)


def _times(found: Preview, language: str) -> list[tuple[float, float | None, str]]:
    """Return the newest times at which it would have fired, the newest first."""
    return [
        (one.at, one.ended, measured(found.metric, one.highest).render(language))
        for one in reversed(found.fired[-MOST_TIMES:])
    ]


def _shown(
    request: Request, form: _Form, *, error: CcbError | None = None, outcome: Mapping[str, Any] | None = None
) -> Shown:
    problems = forms.problems(error, FIELDS, request.language) if error is not None else {}
    base = f"/dashboard/integrations/{form.installed.id}/alerts"
    return Shown(
        "rule.html",
        T("Change the rule") if form.stored else T("Add a rule"),
        {
            "t": _WORDS,
            "base": base,
            "name": form.installed.name,
            "deed": f"{base}/rules/{form.stored.id}" if form.stored else f"{base}/new",
            "there": form.stored is not None,
            "typed": form.typed,
            "seen": form.seen,
            "problems": problems,
            "outcome": outcome,
            "examples": EXAMPLES,
            "severities": ("critical", "warning", "info"),
            "may_try": request.actor.may("alerts.read") and request.actor.may("metrics.read"),
        },
        errors.status_of(error) if error is not None else 200,
    )


def _saved(installed: Installed, stored: Stored) -> str:
    return f"/dashboard/integrations/{installed.id}/alerts?saved={stored.id}#{stored.id}"


def _wish(typed: Mapping[str, str]) -> RuleWish:
    """Return what was typed as a rule; raise `Invalid`, whose `fields` say what is wrong with each."""
    given = {
        "name": typed["name"].strip(), "severity": typed["severity"], "description": typed["description"].strip(),
        "notification_channels": channels.addresses(typed["notification_channels"]),
        **_given(typed, ("condition", "resolve_condition", "min_samples", "repeat_interval")),
    }  # fmt: skip
    return forms.parsed(RuleWish, {"condition": "", **given})


def _given(typed: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    """Return those of these fields in which something stands; conditions as they were typed, so that columns fit."""
    there: dict[str, Any] = {name: typed[name] for name in names if typed[name].strip()}
    for name in ("min_samples", "repeat_interval"):
        if name in there:
            there[name] = there[name].strip()
    if _NUMBER.fullmatch(str(there.get("min_samples", ""))):
        there["min_samples"] = int(there["min_samples"])
    return {"condition": typed["condition"], **there}


def _typed(stored: Stored) -> dict[str, str]:
    rule = stored.rule
    return {
        "name": rule.name,
        "condition": rule.condition,
        "resolve_condition": rule.resolve_condition or "",
        "severity": rule.severity,
        "notification_channels": "\n".join(str(target) for target in rule.channels),
        "description": rule.description,
        "min_samples": "" if rule.min_samples is None else str(rule.min_samples),
        "repeat_interval": alerts.repeat_interval(rule) or "",
    }


_WORDS = {
    "rules": T("Alert rules"),
    "name": T("Name"),
    "condition": T("Alert when"),
    "condition_hint": T("Such as:"),
    "resolve": T("Resolved when"),
    "resolve_hint": T("What must hold until it is resolved, such as error_rate < 2%. Left empty: that the condition no "
                      "longer does."),
    "severity": T("How bad"),
    "channels": T("Tell"),
    "channels_hint": T("One on each line, such as slack://dev-alerts or email://team@example.com. Left empty: each "
                       "channel whose setting is there."),
    "description": T("What to do then"),
    "more": T("More"),
    "samples": T("Fewest events"),
    "samples_hint": T("Of how many events a rate or percentile must tell to be believed. Left empty: 5 for error_rate, "
                      "10 for percentiles."),
    "repeat": T("Tell again after"),
    "repeat_hint": T("While it fires unacknowledged, 5m to 30d. Left empty: 4h."),
    "try": T("Try it on the last 7 days"),
    "save": T("Save"),
    "outcome": T("What it would have done"),
    "from": T("From"),
    "to": T("To"),
    "highest": T("Highest value"),
    "still": T("would fire still"),
    "others": T("Earlier ones are in the chart."),
    "zoom": T("Point at it for values. Turn the wheel to zoom, drag to move, press twice to see all."),
    "no_try": T("It can be tried on the past by keys with the permission metrics.read."),
    "lost": T("Nothing was saved. What is wrong stands at its field."),
}  # fmt: skip
