"""Alerts that fire or have fired: what is wrong, why somebody was told or was not, and what is done about it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core import alerting, durations, integrations
from core.alerting import message as shown
from core.alerting import story
from core.alerting.subjects import ENGINE
from core.alerts import Severity
from core.context import Context
from core.errors import Conflict, Invalid, NotFound
from core.http.routes import Request, moment, route
from core.texts import T, Text, revive, revive_text
from storage.alert_outbox import AlertMessageRow, AlertOutbox
from storage.alerts import Alert, AlertHistory

Status = Literal["pending", "firing", "resolved", "withdrawn", "ended_without_data", "removed"]
Line = Annotated[str, StringConstraints(max_length=500)]


class ChangeBeforeOut(BaseModel):
    """Something that was changed shortly before."""

    timestamp: str
    change: str


class AlertOut(BaseModel):
    """One time that a rule's condition held."""

    id: str
    rule_id: str
    integration_id: str = Field(description="`engine` where the engine speaks of itself.")
    integration: str
    name: str
    condition: str
    severity: str
    status: Status = Field(
        description="pending: the condition holds, but not for long enough yet; withdrawn: it never did so."
    )
    message: str = Field(description="What is wrong, in words.")
    started_at: str
    fired_at: str | None
    ended_at: str | None
    metric: str | None
    value: float | None
    threshold: float | None
    samples: int = Field(description="Of how many events the value tells.")
    counts: str | None = Field(description="How much.", examples=["31 of 250 attempts"])
    cause: str | None = Field(description="The commonest error.")
    example_event: str | None
    changes_before: list[ChangeBeforeOut]
    without_data: bool = Field(description="It fires, and there is no data at this time.")
    flapping: bool
    notification_channels: list[str]
    silenced_by: str | None = Field(description="The silence for which nobody is told; paused: its integration is.")
    told_at: str | None = Field(description="When it was last planned to be told.")
    acknowledged_at: str | None
    acknowledged_by: str | None
    comment: str | None
    snoozed_until: str | None
    snoozed_by: str | None
    actions: list[str] = Field(description="What can be done about it.")


class HistoryLineOut(BaseModel):
    """One thing that happened with an alert."""

    timestamp: str
    kind: str = Field(description="pending, firing, planned, silenced, delivered, attempt_failed, …")
    message: str
    data: dict[str, Any]


class ItemOut(BaseModel):
    """One thing said, or to be said, in a message."""

    kind: str = Field(description="fired, repeat, acknowledged, snoozed, ended, …")
    result: str | None = Field(description="delivered, dead, skipped; null: it waits.")
    attempts: int
    next_attempt_at: str | None
    answer: str | None = Field(description="What the channel said last.")


class MessageOut(BaseModel):
    """A message about the alert in one channel."""

    id: str
    channel: str
    delivered_at: str | None
    items: list[ItemOut]


class HistoryOut(BaseModel):
    """Why somebody was told, or was not."""

    id: str
    history: list[HistoryLineOut]
    messages: list[MessageOut]


class AlertsQuery(BaseModel):
    """Which alerts, newest first."""

    model_config = ConfigDict(extra="forbid")

    integration: str | None = Field(None, max_length=80, description="An id, a slug, or engine.")
    status: Status | Literal["open"] | None = Field(None, description="open: pending and firing.")
    severity: Severity | None = None
    rule: str | None = Field(None, max_length=200, description="A rule's id.")
    after: str | None = Field(None, max_length=40, description="The id of the last one of the page before.")
    limit: int = Field(50, ge=1, le=500)


class AcknowledgeIn(BaseModel):
    """That somebody looks after it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    comment: Line = ""


class SnoozeIn(BaseModel):
    """For how long it is to be quiet: one hour unless said otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True)

    for_: str | None = Field(
        None, alias="for", max_length=10, description="1m to 30d.", examples=["1h"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": "^([1-9][0-9]{0,2}m|[1-9]h|[1-9]d)$"},
                                     {"type": "null"}]},
    )  # fmt: skip
    until: Literal["tomorrow"] | None = Field(None, description="Nine o'clock of tomorrow.")
    timezone: str | None = Field(None, max_length=60, description="Where tomorrow is meant; UTC.", examples=["UTC"])


@route(
    "GET", "/v1/alerts", permission="alerts.read", tag="alerts", query=AlertsQuery, response=list[AlertOut],
    summary=T("List alerts, newest first"), errors=[NotFound],
)  # fmt: skip
async def list_all(ctx: Context, request: Request) -> list[AlertOut]:
    """List alerts that fire, and those that have ended within the last 90 days."""
    query = request.query_as(AlertsQuery)
    statuses = ("pending", "firing") if query.status == "open" else (query.status,) if query.status else ()
    found = await alerting.newest(
        ctx,
        integration_id=await integration_of(ctx, query.integration),
        statuses=statuses,
        severity=query.severity,
        rule_id=query.rule,
        after=query.after,
        limit=query.limit,
    )
    return [alert_out(ctx, alert, request.language) for alert in found]


@route(
    "GET", "/v1/alerts/{id}", permission="alerts.read", tag="alerts", response=AlertOut, errors=[NotFound],
    summary=T("Get an alert: what is wrong, since when, how much, the commonest error"),
)  # fmt: skip
async def get(ctx: Context, request: Request) -> AlertOut:
    """Get one alert."""
    return alert_out(ctx, await alerting.find(ctx, request.path["id"]), request.language)


@route(
    "GET", "/v1/alerts/{id}/history", permission="alerts.read", tag="alerts", response=HistoryOut, errors=[NotFound],
    summary=T("Why was I told, or not? Every state, silence and attempt of an alert"),
)  # fmt: skip
async def history(ctx: Context, request: Request) -> HistoryOut:
    """Tell all that happened with an alert, in order, and what became of each message."""
    alert = await alerting.find(ctx, request.path["id"])
    lines = await alerting.history(ctx, alert)
    messages = await alerting.attempts(ctx, alert)
    return HistoryOut(
        id=alert.id,
        history=[_line(line, request.language) for line in lines],
        messages=[_message(row, items, request.language) for row, items in messages],
    )


@route(
    "POST", "/v1/alerts/{id}/acknowledge", permission="alerts.write", tag="alerts", request=AcknowledgeIn,
    response=AlertOut, errors=[NotFound, Conflict], summary=T("Acknowledge an alert: it is not told again"),
)  # fmt: skip
async def acknowledge(ctx: Context, request: Request) -> AlertOut:
    """Say that you look after it; its messages are edited to say so."""
    wish = request.body_as(AcknowledgeIn)
    alert = await alerting.acknowledge(ctx, request.path["id"], comment=wish.comment.strip(), actor=request.actor)
    return alert_out(ctx, alert, request.language)


@route(
    "POST", "/v1/alerts/{id}/snooze", permission="alerts.write", tag="alerts", request=SnoozeIn,
    response=AlertOut, errors=[NotFound, Conflict], summary=T("Snooze an alert for an hour, or until tomorrow"),
)  # fmt: skip
async def snooze(ctx: Context, request: Request) -> AlertOut:
    """Be quiet for a while; where it fires still, it is told again then."""
    wish = request.body_as(SnoozeIn)
    alert = await alerting.snooze(ctx, request.path["id"], _snooze(wish), actor=request.actor)
    return alert_out(ctx, alert, request.language)


@route(
    "DELETE", "/v1/alerts/{id}/snooze", permission="alerts.write", tag="alerts", response=AlertOut,
    errors=[NotFound, Conflict], summary=T("End the snoozing of an alert"),
)  # fmt: skip
async def unsnooze(ctx: Context, request: Request) -> AlertOut:
    """Tell it again at the next look, where it fires still."""
    return alert_out(ctx, await alerting.unsnooze(ctx, request.path["id"], actor=request.actor), request.language)


def _snooze(wish: SnoozeIn) -> alerting.Snooze:
    if wish.for_ is not None and wish.until is not None:
        raise Invalid(T("Give for or until, not both."), path="until")
    if wish.until is not None:
        return alerting.Snooze(tomorrow_in=wish.timezone or "UTC")
    if wish.timezone is not None:
        raise Invalid(T("timezone belongs to until."), path="timezone")
    if wish.for_ is None:
        return alerting.Snooze()
    try:
        return alerting.Snooze(seconds=durations.parse(wish.for_))
    except Invalid as error:
        raise Invalid(error.message, path="for") from None


async def integration_of(ctx: Context, reference: str | None) -> str | None:
    """Return the id that a query names by an id, a slug, or `engine`."""
    if reference is None or reference == ENGINE:
        return reference
    return (await integrations.find(ctx, reference)).id


def alert_out(ctx: Context, alert: Alert, language: str) -> AlertOut:
    """Return an alert as it is shown."""
    part = shown.part(alert, now=ctx.clock.now())
    changes = orjson.loads(alert.facts).get("changes", [])
    return AlertOut(
        id=alert.id,
        rule_id=alert.rule_id,
        integration_id=alert.integration_id,
        integration=alert.integration,
        name=alert.name,
        condition=alert.condition,
        severity=alert.severity,
        status=alert.status,
        message=part.measured.render(language),
        started_at=moment(alert.started_at),
        fired_at=_moment(alert.fired_at),
        ended_at=_moment(alert.ended_at),
        metric=alert.metric or None,
        value=alert.value,
        threshold=alert.threshold,
        samples=alert.samples,
        counts=_said(part.counts, language),
        cause=_said(part.cause, language),
        example_event=part.example,
        changes_before=[ChangeBeforeOut(timestamp=moment(at), change=_revived(text, language)) for at, text in changes],
        without_data=alert.without_data,
        flapping=alert.flapping,
        notification_channels=orjson.loads(alert.channels),
        silenced_by=alert.silenced_by,
        told_at=_moment(alert.told_at),
        acknowledged_at=_moment(alert.acknowledged_at),
        acknowledged_by=alert.acknowledged_by,
        comment=alert.comment or None,
        snoozed_until=_moment(alert.snoozed_until),
        snoozed_by=alert.snoozed_by,
        actions=list(shown.actions([alert])),
    )


def _line(line: AlertHistory, language: str) -> HistoryLineOut:
    data = orjson.loads(line.data)
    said = story.told(line.kind, data).render(language)
    for name in {"answer", "detail"} & data.keys():
        data[name] = _revived(orjson.dumps(data[name]).decode(), language)
    return HistoryLineOut(timestamp=moment(line.at), kind=line.kind, message=said, data=data)


def _message(row: AlertMessageRow, items: list[AlertOutbox], language: str) -> MessageOut:
    return MessageOut(
        id=row.id,
        channel=row.channel,
        delivered_at=_moment(row.told_at),
        items=[
            ItemOut(
                kind=item.kind,
                result=item.result,
                attempts=item.attempts,
                next_attempt_at=moment(item.run_at) if item.settled_at is None else None,
                answer=None if item.answer is None else revive(item.answer, language),
            )
            for item in items
        ],
    )


def _moment(at: float | None) -> str | None:
    return None if at is None else moment(at)


def _said(text: Text | None, language: str) -> str | None:
    return None if text is None else text.render(language)


def _revived(stored: str, language: str) -> str:
    return revive_text(stored).render(language)
