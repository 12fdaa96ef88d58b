"""Alerts: the rules of an integration, and the test that their messages arrive."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core import alerts, integrations
from core.alerts import MOST_RULES, RuleWish, Severity, Stored
from core.channels import CHANNELS, LONGEST
from core.context import Context
from core.errors import Conflict, NotFound
from core.http.routes import Request, moment, route
from core.texts import T


class RulesIn(BaseModel):
    """All rules that the integration is to have."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rules: list[RuleWish] = Field(max_length=MOST_RULES)


class RuleOut(BaseModel):
    """A rule; `condition` in its one way of writing, with every `for` in parentheses."""

    id: str
    name: str
    condition: str
    notification_channels: list[str]
    severity: Severity
    description: str
    resolve_condition: str | None
    min_samples: int | None
    repeat_interval: str | None
    created_at: str
    updated_at: str


class RulesOut(BaseModel):
    """All rules of an integration."""

    rules: list[RuleOut]


class TestIn(BaseModel):
    """What to test; nothing is needed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    alert_type: str | None = Field(
        None, min_length=1, max_length=80, description="A rule's name or a metric's.", examples=["error_rate"]
    )
    notification_channel: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST,
        description="A channel, with or without an address; absent: those of the named rule, else of every rule. "
        f"Channels: {', '.join(CHANNELS.names())}.",
        examples=["slack"],
    )


class DeliveryOut(BaseModel):
    """What became of the message to one channel."""

    channel: str
    delivered: bool
    detail: str = Field(description="Where it went, or why it did not arrive and what to do.")


class TestedOut(BaseModel):
    """What the test found."""

    alert_type: str | None
    results: list[DeliveryOut]
    delivered: bool = Field(description="Whether every message arrived.")


@route(
    "GET", "/v1/integrations/{id}/alerts", permission="alerts.read", tag="alerts", response=RulesOut,
    errors=[NotFound], summary=T("List an integration's alert rules"),
)  # fmt: skip
async def get(ctx: Context, request: Request) -> RulesOut:
    """List the rules, in the order in which they were put."""
    installed = await integrations.find(ctx, request.path["id"])
    return _out(await alerts.listed(ctx, installed.id))


@route(
    "PUT", "/v1/integrations/{id}/alerts", permission="alerts.write", tag="alerts", request=RulesIn,
    response=RulesOut, errors=[NotFound], summary=T("Replace an integration's alert rules"),
)  # fmt: skip
async def put(ctx: Context, request: Request) -> RulesOut:
    """Make these all rules that it has. A rule whose name was there keeps its id."""
    wish = request.body_as(RulesIn)
    installed = await integrations.find(ctx, request.path["id"])
    return _out(await alerts.replace(ctx, installed.id, wish.rules, actor=request.actor))


@route(
    "POST", "/v1/integrations/{id}/alerts/test", permission="alerts.write", tag="alerts", request=TestIn,
    response=TestedOut, errors=[Conflict, NotFound],
    summary=T("Send a test alert and say of each channel whether it arrived"),
)  # fmt: skip
async def test(ctx: Context, request: Request) -> TestedOut:
    """Send a message that says it is a test. A channel that fails is a result, not an error."""
    wish = request.body_as(TestIn)
    installed = await integrations.find(ctx, request.path["id"])
    tested = await alerts.test(
        ctx,
        installed.id,
        name=installed.name,
        alert_type=wish.alert_type,
        channel=wish.notification_channel,
        actor=request.actor,
    )
    results = [
        DeliveryOut(channel=result.channel, delivered=result.delivered, detail=result.detail.render(request.language))
        for result in tested.results
    ]
    return TestedOut(alert_type=tested.alert_type, results=results, delivered=tested.delivered)


def _out(rules: list[Stored]) -> RulesOut:
    return RulesOut(rules=[RuleOut(**_shown(stored)) for stored in rules])


def _shown(stored: Stored) -> dict[str, Any]:
    rule = stored.rule
    return {
        "id": stored.id,
        "name": rule.name,
        "condition": rule.condition,
        "notification_channels": [str(target) for target in rule.channels],
        "severity": rule.severity,
        "description": rule.description,
        "resolve_condition": rule.resolve_condition,
        "min_samples": rule.min_samples,
        "repeat_interval": alerts.repeat_interval(rule),
        "created_at": moment(stored.created_at),
        "updated_at": moment(stored.updated_at),
    }
