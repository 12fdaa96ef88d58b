"""`/dashboard/integrations/{id}/alerts`: an integration's alert rules, how each stands, the test of channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core import alerting, alerts, integrations
from core.alerting.words import measured
from core.context import Context
from core.errors import CcbError, Conflict, Invalid
from core.http import alerts as rule_resource
from core.http import errors
from core.http.alert_states import StandingOut, standings_of
from core.http.alerts import TestedOut, TestIn
from core.http.dashboard import forms
from core.http.dashboard.confirm import confirm
from core.http.dashboard.door import Shown, action, page
from core.http.routes import Request
from core.texts import T

TEST_FIELDS = ("alert_type", "notification_channel")


class RulesQuery(BaseModel):
    """What was done just before."""

    model_config = ConfigDict(extra="ignore")

    saved: str = Field("", max_length=80, description="The id of a rule.")
    removed: str = Field("", max_length=80, description="Its name.")


@page("/dashboard/integrations/{id}/alerts", permission="alerts.read", section="integrations", query=RulesQuery)
async def rules(ctx: Context, request: Request) -> Shown:
    """List the rules with their states."""
    return await _shown(ctx, request, query=request.query_as(RulesQuery))


@action("/dashboard/integrations/{id}/alerts/test", permission="alerts.write", section="integrations")
async def test(ctx: Context, request: Request) -> Shown:
    """Send a test message to channels, and say of each what became of it."""
    given = {name: text.strip() for name, text in forms.typed(request.body, TEST_FIELDS).items() if text.strip()}
    try:
        tested = await rule_resource.test(ctx, replace(request, body=forms.parsed(TestIn, given)))
    except (Invalid, Conflict) as error:
        return await _shown(ctx, request, error=error)
    return await _shown(ctx, request, tested=tested)


@page("/dashboard/integrations/{id}/alerts/rules/{rule}/remove", permission="alerts.write", section="integrations")
async def ask_remove(ctx: Context, request: Request) -> Shown:
    """Ask whether a rule is to go, and say what goes with it."""
    installed = await integrations.find(ctx, request.path["id"])
    stored = await alerts.find(ctx, installed.id, request.path["rule"])
    standing = next((one for one in await alerting.standings(ctx, integration_id=installed.id)
                     if one.rule_id == stored.id), None)  # fmt: skip
    lines: list[Any] = [f"{stored.rule.name}: `{stored.rule.condition}`"]
    if standing is not None and standing.alert_id is not None:
        lines.append(T("An alert of it is open now: it ends as removed, and its channels are told so."))
    lines.append(T("The rule is gone then. The alerts that it made stay in the list for 90 days."))
    back = f"/dashboard/integrations/{installed.id}/alerts"
    return confirm(
        T("Remove this rule?"), lines, deed=f"{back}/rules/{stored.id}/remove", button=T("Remove it"), back=back
    )  # fmt: skip


@action("/dashboard/integrations/{id}/alerts/rules/{rule}/remove", permission="alerts.write", section="integrations")
async def remove(ctx: Context, request: Request) -> str:
    """Remove a rule."""
    installed = await integrations.find(ctx, request.path["id"])
    await alerts.remove(ctx, installed.id, request.path["rule"], actor=request.actor)
    return f"/dashboard/integrations/{installed.id}/alerts?removed=yes"


async def _shown(
    ctx: Context,
    request: Request,
    *,
    query: RulesQuery | None = None,
    tested: TestedOut | None = None,
    error: CcbError | None = None,
) -> Shown:
    installed = await integrations.find(ctx, request.path["id"])
    stored = await alerts.listed(ctx, installed.id)
    found = await standings_of(ctx, installed.id, request.language)
    standings = {one.rule_id: one for one in found.rules}
    typed = forms.typed(request.body or {}, TEST_FIELDS)
    return Shown(
        "rules.html",
        T("Alert rules of {name}", name=installed.name),
        {
            "t": _WORDS,
            "id": installed.id,
            "name": installed.name,
            "rules": [
                {"id": one.id, "rule": one.rule, "repeat": alerts.repeat_interval(one.rule),
                 "channels": [str(target) for target in one.rule.channels],
                 **_state(standings.get(one.id), request.language)}
                for one in stored
            ],
            "full": len(stored) >= alerts.MOST_RULES,
            "may": request.actor.may("alerts.write"),
            "saved": query.saved if query is not None else "",
            "removed": bool(query is not None and query.removed),
            "tested": tested,
            "typed": typed,
            "problems": forms.problems(error, TEST_FIELDS, request.language) if error is not None else {},
        },
        errors.status_of(error) if error is not None else 200,
    )  # fmt: skip


def _state(standing: StandingOut | None, language: str) -> dict[str, Any]:
    if standing is None:
        return {"standing": None, "value": "–"}
    return {"standing": standing, "value": measured(standing.metric or "", standing.value).render(language)}


_WORDS = {
    "all": T("All integrations"),
    "lead": T("Every rule is looked at every 20 seconds."),
    "none": T("It has no rule, so nobody is told when it fails."),
    "add": T("Add a rule"),
    "full": T("It has as many rules as there may be."),
    "rule": T("Rule"),
    "state": T("State"),
    "value": T("Value"),
    "severity": T("Severity"),
    "channels": T("Told in"),
    "default": T("each channel whose setting is there"),
    "new": T("not looked at yet"),
    "since": T("since"),
    "until": T("until"),
    "change": T("Change"),
    "remove": T("Remove…"),
    "alert": T("The alert"),
    "history": T("Its alerts"),
    "do": T("What can be done"),
    "saved": T("The rule is saved. It is looked at within 20 seconds."),
    "removed": T("The rule is removed."),
    "test": T("Do its messages arrive?"),
    "test_lead": T("This really sends a message to each channel, which says that it is a test."),
    "of": T("Channels of"),
    "every": T("every rule"),
    "one": T("or this channel alone"),
    "send": T("Send a test message"),
    "result": T("What became of it"),
    "channel": T("Channel"),
    "answer": T("What it answered"),
    "may_not": T("To change or test rules, sign in with a key that has the permission alerts.write."),
}
