"""How each alert rule stood when it was last looked at; why, where nobody can tell."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core import alerting
from core.alerting import unknown
from core.context import Context
from core.errors import NotFound
from core.http.alert_list import integration_of
from core.http.routes import Request, moment, route
from core.texts import T, Text
from storage.alerts import AlertStanding

State = Literal["ok", "pending", "firing", "no_data"]


class StandingOut(BaseModel):
    """How a rule stood at the last look."""

    rule_id: str
    integration_id: str
    name: str
    condition: str
    state: State = Field(description="no_data: it cannot be told whether the condition holds.")
    since: str
    metric: str | None
    value: float | None
    threshold: float | None
    samples: int
    alert_id: str | None
    reason: str | None = Field(description="Why there is no data; null where there is.")


class StandingsOut(BaseModel):
    """How every rule stands."""

    looked_at: str | None
    seconds: float | None = Field(description="How long the last look took.")
    rules: list[StandingOut]


class StandingsQuery(BaseModel):
    """Of which integration."""

    model_config = ConfigDict(extra="forbid")

    integration: str | None = Field(None, max_length=80, description="An id, a slug, or engine.")


@route(
    "GET", "/v1/alert-states", permission="alerts.read", tag="alerts", query=StandingsQuery, response=StandingsOut,
    errors=[NotFound], summary=T("List how every rule stood at the last look: ok, pending, firing, no data"),
)  # fmt: skip
async def states(ctx: Context, request: Request) -> StandingsOut:
    """List the rules of integrations, and the engine's own."""
    query = request.query_as(StandingsQuery)
    return await standings_of(ctx, await integration_of(ctx, query.integration), request.language)


async def standings_of(ctx: Context, integration_id: str | None, language: str) -> StandingsOut:
    """Return how the rules of an integration, or all, stood at the last look."""
    found = await alerting.standings(ctx, integration_id=integration_id)
    why = await unknown.reasons(ctx, found)
    last = await alerting.last_look(ctx)
    return StandingsOut(
        looked_at=moment(last.at) if last is not None else None,
        seconds=last.seconds if last is not None else None,
        rules=[_standing(row, why.get(row.rule_id), language) for row in found],
    )


def _standing(row: AlertStanding, why: Text | None, language: str) -> StandingOut:
    return StandingOut(
        rule_id=row.rule_id,
        integration_id=row.integration_id,
        name=row.name,
        condition=row.condition,
        state=row.state,
        since=moment(row.since),
        metric=row.metric or None,
        value=row.value,
        threshold=row.threshold,
        samples=row.samples,
        alert_id=row.alert_id,
        reason=why.render(language) if why is not None else None,
    )
