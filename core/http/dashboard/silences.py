"""`/dashboard/silences`: what is kept quiet, from when to when, and why; made, changed and ended here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from core import alerting, durations
from core.context import Context
from core.errors import CcbError, Invalid
from core.http import errors, silences
from core.http.charts import zone_of
from core.http.dashboard import forms
from core.http.dashboard.confirm import confirm
from core.http.dashboard.door import Shown, action, page
from core.http.dashboard.names import names_of
from core.http.routes import Request
from core.http.silences import SilenceIn, SilenceOut
from core.texts import T, Text
from storage.alerts import AlertSilence

FIELDS = ("kind", "integration", "rule", "severity", "from", "for", "until", "zone", "comment", "everything")
FOR = ("30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d")
"""How long, where it is not until a time."""
MOST_ENDED = 50
_MINUTE = "%Y-%m-%dT%H:%M"


class NewQuery(BaseModel):
    """What a new one is filled in with."""

    model_config = ConfigDict(extra="ignore")

    integration: str = Field("", max_length=80)
    rule: str = Field("", max_length=200)
    severity: str = Field("", max_length=20)


@page("/dashboard/silences", permission="alerts.read", section="alerts")
async def every(ctx: Context, request: Request) -> Shown:
    """List those that hold, those to come, and the newest that have ended."""
    now = ctx.clock.now()
    rows = await alerting.silences(ctx, ended=True)
    ended = [row for row in rows if row.at_to <= now]
    coming = sorted((row for row in rows if row.at_from > now and row.at_to > now), key=lambda row: row.at_from)
    groups = [
        ("now", _shown(ctx, [row for row in rows if row.at_from <= now < row.at_to])),
        ("coming", _shown(ctx, coming)),
        ("ended", _shown(ctx, ended[:MOST_ENDED])),
    ]
    return Shown(
        "silences.html",
        T("Silences"),
        {
            "t": _WORDS,
            "groups": groups,
            "more": len(ended) > MOST_ENDED,
            "any": bool(rows),
            "names": await names_of(ctx),
            "may": request.actor.may("alerts.write"),
        },
    )


@page("/dashboard/silences/new", permission="alerts.write", section="alerts", query=NewQuery)
async def new(ctx: Context, request: Request) -> Shown:
    """Ask what is to be quiet, and for how long."""
    query = request.query_as(NewQuery)
    typed = {"kind": "silence", "for": "2h", "zone": "UTC", **query.model_dump()}
    return await _form(ctx, request, typed)


@action("/dashboard/silences/new", permission="alerts.write", section="alerts")
async def make(ctx: Context, request: Request) -> str | Shown:
    """Make one."""
    return await _put(ctx, request, None)


@page("/dashboard/silences/{id}", permission="alerts.write", section="alerts")
async def edit(ctx: Context, request: Request) -> Shown:
    """Ask what it is to be now."""
    return await _form(ctx, request, _typed(await alerting.silence(ctx, request.path["id"])))


@action("/dashboard/silences/{id}", permission="alerts.write", section="alerts")
async def change(ctx: Context, request: Request) -> str | Shown:
    """Change it."""
    await alerting.silence(ctx, request.path["id"])
    return await _put(ctx, request, request.path["id"])


@page("/dashboard/silences/{id}/end", permission="alerts.write", section="alerts")
async def ask_end(ctx: Context, request: Request) -> Shown:
    """Ask whether it is to end, and say what follows."""
    row = await alerting.silence(ctx, request.path["id"])
    begun = row.at_from <= ctx.clock.now()
    says = T("What still fires is told at the next look, within 20 seconds. An ended silence cannot be taken up again.")
    never = T("It will never begin. An ended silence cannot be taken up again.")
    return confirm(
        T("End this silence?"),
        [row.comment, says if begun else never],
        deed=f"/dashboard/silences/{row.id}/end",
        button=T("End it now"),
        back=f"/dashboard/silences#{row.id}",
    )


@action("/dashboard/silences/{id}/end", permission="alerts.write", section="alerts")
async def end(ctx: Context, request: Request) -> str:
    """End it."""
    ended = await silences.end(ctx, request)
    return f"/dashboard/silences#{ended.id}"


async def _put(ctx: Context, request: Request, silence_id: str | None) -> str | Shown:
    form = request.body
    try:
        if not any(form.get(name) for name in ("integration", "rule", "severity")) and form.get("everything") != "yes":
            raise Invalid(T("This keeps every alert quiet, of all integrations and of the engine itself. Name "
                            "something, or say that you mean it."), path="everything")  # fmt: skip
        asked = replace(request, body=forms.parsed(SilenceIn, _given(form)))
        made = await silences.add(ctx, asked) if silence_id is None else await silences.put(ctx, asked)
    except Invalid as error:
        return await _form(ctx, request, forms.typed(form, FIELDS), error)
    return f"/dashboard/silences#{made.id}"


def _given(form: Mapping[str, str]) -> dict[str, Any]:
    """Return a form as REST would be sent it."""
    zone = zone_of(form.get("zone") or "UTC", path="zone")
    since, until, lasts = form.get("from", "").strip(), form.get("until", "").strip(), form.get("for", "")
    named = {name: form[name].strip() for name in ("integration", "rule", "severity") if form.get(name, "").strip()}
    begins = _moment(since, zone, "from") if since else None
    if lasts != "until":
        end = _after(begins, lasts) if begins is not None else lasts
    else:
        end = _moment(until, zone, "until")
    return {"kind": form.get("kind", ""), **named, "from": begins, "to": end, "comment": form.get("comment", "")}


def _moment(text: str, zone: ZoneInfo, path: str) -> str:
    """Return a time on the wall in a zone as ISO 8601; raise `Invalid`."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise Invalid(T("Write a time such as 2026-01-31T12:00."), path=path) from None


def _after(begins: str, lasts: str) -> str:
    seconds = durations.parse(lasts)
    try:
        return datetime.fromtimestamp(datetime.fromisoformat(begins).timestamp() + seconds, UTC).isoformat()
    except (ValueError, OverflowError):
        raise Invalid(T("Write a time such as 2026-01-31T12:00."), path="from") from None


def _typed(row: AlertSilence) -> dict[str, str]:
    """Return what the form of a silence holds; its times in UTC, which a browser makes those of its own zone."""
    begins, ends = (datetime.fromtimestamp(at, UTC).strftime(_MINUTE) for at in (row.at_from, row.at_to))
    return {
        "kind": row.kind, "integration": row.integration_id or "", "rule": row.rule or "",
        "severity": row.severity or "", "from": begins, "for": "until", "until": ends, "zone": "UTC",
        "comment": row.comment, "everything": "" if row.integration_id or row.rule or row.severity else "yes",
    }  # fmt: skip


async def _form(ctx: Context, request: Request, typed: Mapping[str, str], error: CcbError | None = None) -> Shown:
    there = request.path.get("id")
    given = {name: typed.get(name, "") for name in FIELDS}
    rules = await alerting.standings(ctx, integration_id=given["integration"] or None)
    return Shown(
        "silence.html",
        T("Change the silence") if there else T("Silence alerts"),
        {
            "t": _FORM_WORDS,
            "id": there,
            "typed": given,
            "fresh": error is None,
            "problems": forms.problems(error, FIELDS, request.language, called={"to": "for"}) if error else {},
            "names": await names_of(ctx),
            "rules": sorted({rule.name for rule in rules})[:500],
            "severities": ("critical", "warning", "info"),
            "spans": [(one, _SPANS[one].render(request.language)) for one in FOR],
        },
        errors.status_of(error) if error is not None else 200,
    )


def _shown(ctx: Context, rows: list[AlertSilence]) -> list[SilenceOut]:
    return [silences.silence_out(ctx, row) for row in rows]


_SPANS: dict[str, Text] = {
    "30m": T("30 minutes"),
    "1h": T("1 hour"),
    "2h": T("2 hours"),
    "4h": T("4 hours"),
    "8h": T("8 hours"),
    "1d": T("1 day"),
    "3d": T("3 days"),
    "7d": T("7 days"),
}
_WORDS = {
    "back": T("Alerts"),
    "new": T("Silence alerts…"),
    "lead": T("What a silence covers is looked at as ever, and nobody is told. What still fires when it ends is told "
              "then."),
    "now": T("Now"),
    "coming": T("Coming"),
    "ended": T("Ended"),
    "none": T("Nothing is silenced, and nothing has been in the last 90 days."),
    "none_so": T("None."),
    "more": T("Only the newest are listed here."),
    "kind": T("Kind"),
    "silence": T("silence"),
    "maintenance": T("maintenance"),
    "covers": T("Covers"),
    "everything": T("everything"),
    "from": T("From"),
    "to": T("To"),
    "why": T("Why"),
    "by": T("By"),
    "change": T("Change"),
    "end": T("End now…"),
    "do": T("What can be done"),
    "may_not": T("To make or end one, sign in with a key that has the permission alerts.write."),
}  # fmt: skip
_FORM_WORDS = {
    "back": T("Silences"),
    "kind": T("Kind"),
    "silence": T("Silence: nobody is told for a while"),
    "maintenance": T("Maintenance: planned work"),
    "integration": T("Integration"),
    "rule": T("Rule"),
    "rule_hint": T("A rule's name. Left empty: all rules."),
    "severity": T("Severity"),
    "any": T("any"),
    "all": T("all, and the engine itself"),
    "from": T("From"),
    "from_hint": T("Left empty: now."),
    "for": T("For"),
    "until_then": T("until the time beside"),
    "until": T("Until"),
    "zone": T("Time zone"),
    "zone_hint": T("In which the times are meant, such as Europe/Berlin."),
    "comment": T("Why"),
    "comment_hint": T("It is read by those who ask why they were not told."),
    "everything": T("Keep every alert quiet, of all integrations and of the engine itself"),
    "save": T("Save"),
    "make": T("Silence"),
}
