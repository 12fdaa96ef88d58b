"""`/dashboard/alerts`: what is wrong now, the worst first, and what was; `/dashboard/alerts/rules`: how rules stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core import alerting, integrations
from core.alerting import message
from core.alerting.engine_words import spoken
from core.alerting.subjects import ENGINE
from core.alerting.words import measured
from core.alerts import Severity
from core.context import Context
from core.errors import NotFound
from core.http import silences
from core.http.alert_list import alert_out
from core.http.alert_states import StandingOut, standings_of
from core.http.dashboard.door import Shown, page
from core.http.dashboard.names import names_of, worded
from core.http.routes import Request
from core.texts import TN, T, Text
from storage.alerts import Alert

AT_ONCE = 25
MOST_OPEN = 500
MOST_RULES = 200
"""Rules on one page: the worst."""
MOST_NAMED = 50
"""Rules among which one can choose."""
STALE_SECONDS = 120.0
"""After how long without a look at the rules something is wrong."""
OPEN = ("pending", "firing")
ENDED = ("resolved", "withdrawn", "ended_without_data", "removed")
_WORST = ("critical", "warning", "info")
_STATES = ("firing", "pending", "no_data", "ok")


class AlertsQuery(BaseModel):
    """Which alerts. A field that was left empty in the form is none."""

    model_config = ConfigDict(extra="ignore")

    integration: str | None = Field(None, max_length=80)
    severity: Severity | None = None
    rule: str | None = Field(None, max_length=200)
    status: Literal["resolved", "withdrawn", "ended_without_data", "removed"] | None = None
    after: str | None = Field(None, max_length=40)

    @field_validator("*", mode="before")
    @classmethod
    def _left_empty(cls, value: object) -> object:
        return None if value == "" else value


class StatesQuery(BaseModel):
    """Of which integration, and which states."""

    model_config = ConfigDict(extra="ignore")

    integration: str | None = Field(None, max_length=80)
    state: Literal["ok", "pending", "firing", "no_data"] | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _left_empty(cls, value: object) -> object:
        return None if value == "" else value


@page("/dashboard/alerts", permission="alerts.read", section="alerts", query=AlertsQuery)
async def alerts(ctx: Context, request: Request) -> Shown:
    """Show what is open, what holds it quiet, and what has ended."""
    query = request.query_as(AlertsQuery)
    integration_id, names = await _integration(ctx, query.integration), await names_of(ctx)
    chosen: dict[str, Any] = {"integration_id": integration_id, "severity": query.severity, "rule_id": query.rule}
    standings = await alerting.standings(ctx, integration_id=integration_id)
    opened: Sequence[Alert] = ()
    if query.status is None and query.after is None:
        opened = sorted(await alerting.newest(ctx, statuses=OPEN, limit=MOST_OPEN, **chosen), key=_urgency)
    wanted = (query.status,) if query.status else ENDED
    ended = await alerting.newest(ctx, statuses=wanted, after=query.after, limit=AT_ONCE + 1, **chosen)
    unknown = sum(row.state == "no_data" for row in standings)
    rules = {row.rule_id: spoken(row.name) if row.integration_id == ENGINE else row.name for row in standings}
    return Shown(
        "alerts.html",
        T("Alerts"),
        {
            "t": _WORDS,
            "open": [_line(ctx, alert, request.language) for alert in opened],
            "ended": [_line(ctx, alert, request.language) for alert in ended[:AT_ONCE]],
            "next": ended[AT_ONCE - 1].id if len(ended) > AT_ONCE else None,
            "firing": _count(opened),
            "first_page": query.status is None and query.after is None,
            "chosen": query.model_dump(exclude_none=True, exclude={"after"}),
            "names": names,
            "reference": integration_id,
            "rules": rules if len(rules) <= MOST_NAMED or query.rule is not None else {},
            "severities": _WORST,
            "statuses": ENDED,
            "silences": [silences.silence_out(ctx, row) for row in await alerting.silences(ctx, ended=False)
                         if row.at_from <= ctx.clock.now()],
            "unknown": TN("{count} rule has no data", "{count} rules have no data", unknown) if unknown else None,
            "total": TN("{count} rule is looked at", "{count} rules are looked at", len(standings)),
            **await _look(ctx),
        },
    )  # fmt: skip


@page("/dashboard/alerts/rules", permission="alerts.read", section="alerts", query=StatesQuery)
async def states(ctx: Context, request: Request) -> Shown:
    """Show how every rule stood at the last look, the worst first."""
    query = request.query_as(StatesQuery)
    integration_id = await _integration(ctx, query.integration)
    standings = await standings_of(ctx, integration_id, request.language)
    found = [worded(one, request.language) for one in standings.rules]
    counts = {state: sum(one.state == state for one in found) for state in _STATES}
    shown = [one for one in found if query.state in (None, one.state)]
    return Shown(
        "alert_rules.html",
        T("Rules"),
        {
            "t": _STATE_WORDS,
            "rules": [
                (
                    one,
                    *(
                        measured(one.metric or "", one_of).render(request.language)
                        for one_of in (one.value, one.threshold)
                    ),
                )
                for one in sorted(shown, key=_standing_urgency)[:MOST_RULES]
            ],
            "counts": [(state, count) for state, count in counts.items() if count],
            "all": len(found),
            "left": max(0, len(shown) - MOST_RULES),
            "state_chosen": query.state,
            "integration": integration_id,
            "names": await names_of(ctx),
            **await _look(ctx),
        },
    )


async def _look(ctx: Context) -> dict[str, Any]:
    """Return when the rules were last looked at, and whether that is too long ago."""
    last = await alerting.last_look(ctx)
    stale = last is None or abs(ctx.clock.now() - last.at) > STALE_SECONDS
    return {"looked": None if last is None else last.at, "stale": stale}


async def _integration(ctx: Context, reference: str | None) -> str | None:
    if reference is None or reference == ENGINE:
        return reference
    try:
        return (await integrations.find(ctx, reference)).id
    except NotFound:  # it may be gone, and its alerts be there
        return reference


def _line(ctx: Context, alert: Alert, language: str) -> dict[str, Any]:
    return {
        "one": worded(alert_out(ctx, alert, language), language),
        "state": state_of(alert, ctx.clock.now()),
        "what": message.what(alert).render(language),
    }


def state_of(alert: Alert, now: float) -> str:
    """Return how an alert is marked: while it fires, by what somebody has done about it."""
    if alert.status != "firing":
        return alert.status
    if alert.silenced_by is not None:
        return "silenced"
    if alert.snoozed_until is not None and now < alert.snoozed_until:
        return "snoozed"
    return "acknowledged" if alert.acknowledged_at is not None else "firing"


def _urgency(alert: Alert) -> tuple[bool, int, bool, float]:
    """By which open ones are in order: what fires, the worst, what nobody has taken up, the newest."""
    worst = _WORST.index(alert.severity) if alert.severity in _WORST else len(_WORST)
    return alert.status != "firing", worst, alert.acknowledged_at is not None, -alert.started_at


def _standing_urgency(rule: StandingOut) -> tuple[int, str, str]:
    return _STATES.index(rule.state), rule.integration_id, rule.name


def _count(opened: Sequence[Alert]) -> Text | None:
    count = sum(alert.status == "firing" for alert in opened)
    return TN("{count} alert fires", "{count} alerts fire", count) if count else None


_WORDS = {
    "well": T("Nothing fires."),
    "open": T("What is open"),
    "ended": T("Ended"),
    "alert": T("Alert"),
    "state": T("State"),
    "severity": T("Severity"),
    "what": T("What is wrong"),
    "since": T("Since"),
    "told": T("Told"),
    "untold": T("nobody yet"),
    "nobody": T("nobody"),
    "yes": T("yes"),
    "began": T("Begun"),
    "end": T("Ended"),
    "integration": T("Integration"),
    "rule": T("Rule"),
    "any": T("any"),
    "all": T("all"),
    "ended_as": T("Ended as"),
    "in_any_way": T("in any way"),
    "show": T("Show"),
    "reset": T("Show all"),
    "older": T("Older alerts"),
    "newest": T("Newest alerts"),
    "none_ended": T("No alert has ended in the last 90 days, for which they are kept."),
    "none_chosen": T("No alert that has ended fits what is chosen."),
    "no_rules": T("No rule is looked at yet. A new integration has rules of its own; to add some, open its page."),
    "integrations": T("All integrations"),
    "how": T("How every rule stands"),
    "silences": T("Silences"),
    "now_silent": T("Kept quiet now"),
    "until": T("until"),
    "everything": T("everything"),
    "looked": T("last look"),
    "stale": T("The rules are not looked at: no node runs the scheduler, or it is stuck. The system page says more."),
    "system": T("System"),
    "no_data": T("there is no data now"),
    "flaps": T("it flaps"),
    "acknowledged_by": T("taken up by"),
    "snoozed_until": T("quiet until"),
}
_STATE_WORDS = {
    "back": T("Alerts"),
    "rule": T("Rule"),
    "state": T("State"),
    "value": T("Value"),
    "threshold": T("Threshold"),
    "since": T("Since"),
    "integration": T("Integration"),
    "why": T("Why"),
    "all": T("all"),
    "none": T("No rule is looked at yet. A new integration has rules of its own; to add some, open its page."),
    "none_so": T("No rule stands so."),
    "left": T("These are the first. Choose a state above, or open an integration's rules, to see the others."),
    "integrations": T("All integrations"),
    "looked": T("Last looked at"),
    "change": T("Rules of this integration"),
    "stale": T("The rules are not looked at: no node runs the scheduler, or it is stuck. The system page says more."),
}
