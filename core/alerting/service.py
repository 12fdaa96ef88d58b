"""Alerts asked for, acknowledged and snoozed; each such thing is in the alert's history, and in the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from core import audit
from core.actors import Actor
from core.alerting import plans
from core.clock import moment
from core.context import Context
from core.errors import Conflict, Invalid, NotFound
from core.texts import TN, T, Text
from storage import alert_outbox
from storage import alerts as rows
from storage.alert_outbox import AlertMessageRow, AlertOutbox
from storage.alerts import Alert, AlertHistory, AlertPass, AlertStanding

KEPT_SECONDS = 90 * 86_400.0
"""How long an alert is kept after its end, with its history."""
LONGEST_SNOOZE = 30 * 86_400.0
MORNING = 9
"""The hour at which a snooze until tomorrow ends."""
NIGHT_ENDS = 5
"""The hour before which it is still yesterday to who is awake."""


@dataclass(frozen=True)
class Snooze:
    """For how long: `seconds`, or until nine o'clock of tomorrow in a time zone."""

    seconds: float | None = None
    tomorrow_in: str | None = None

    def until(self, now: float) -> float:
        """Return when it ends; raise `Invalid` for a zone that there is not, or a time out of bounds."""
        if self.tomorrow_in is not None:
            return _tomorrow(now, self.tomorrow_in)
        seconds = 3600.0 if self.seconds is None else self.seconds
        if not 60 <= seconds <= LONGEST_SNOOZE:
            raise Invalid(T("Snooze for 1m to 30d."), path="for")
        return now + seconds


def _tomorrow(now: float, zone: str) -> float:
    try:
        local = datetime.fromtimestamp(now, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            T("There is no time zone {zone}. Write it as Europe/Berlin or UTC.", zone=repr(zone[:60])), path="timezone"
        ) from None
    # Who is awake at night means the morning to come.
    day = (local if local.hour < NIGHT_ENDS else local + timedelta(days=1)).date()
    return datetime(day.year, day.month, day.day, MORNING, tzinfo=local.tzinfo).astimezone(UTC).timestamp()


async def find(ctx: Context, alert_id: str) -> Alert:
    """Return an alert; raise `NotFound`."""
    found = await ctx.db.read(rows.get, alert_id)
    if found is None:
        raise NotFound(T("There is no alert {id}. GET /v1/alerts lists them.", id=alert_id[:60]), alert=alert_id[:60])
    return found


async def about(ctx: Context, reference: str) -> list[Alert]:
    """Return the alerts that an id names: one, or those of a message (`alm_…`); raise `NotFound`."""
    if not reference.startswith("alm_"):
        return [await find(ctx, reference)]
    found = await ctx.db.read(rows.of_message, reference)
    if not found:
        raise NotFound(T("The alerts of this message are no longer kept."), message=reference[:60])
    return found


async def newest(ctx: Context, **chosen: Any) -> list[Alert]:
    """Return alerts, newest first; see `storage.alerts.newest`."""
    return await ctx.db.read(rows.newest, **chosen)


async def history(ctx: Context, alert: Alert) -> list[AlertHistory]:
    """Return all that has happened with an alert."""
    return await ctx.db.read(rows.history, alert.id)


async def attempts(ctx: Context, alert: Alert) -> list[tuple[AlertMessageRow, list[AlertOutbox]]]:
    """Return the messages about an alert, each with what was or is to be said in it."""
    return await ctx.db.read(alert_outbox.of_alert, alert.id)


async def standings(ctx: Context, *, integration_id: str | None) -> list[AlertStanding]:
    """Return how each rule stood at the last look."""
    return await ctx.db.read(rows.standings, integration_id=integration_id)


async def last_look(ctx: Context) -> AlertPass | None:
    """Return the last look at all rules, None where there was none."""
    return await ctx.db.read(rows.last_pass)


async def forget(ctx: Context) -> None:
    """Delete the alerts and silences that ended long ago."""
    await ctx.db.write(rows.forget, ended_before=ctx.clock.now() - KEPT_SECONDS)


async def acknowledge(ctx: Context, alert_id: str, *, comment: str, actor: Actor) -> Alert:
    """Say that somebody looks after it: it is not told again. Raises `Conflict` for one that has ended."""
    actor.require("alerts.write")
    alert, now = await find(ctx, alert_id), ctx.clock.now()
    columns = {"acknowledged_at": now, "acknowledged_by": actor.name, "comment": comment}
    story = (
        T("Acknowledged by {who}: {comment}", who=actor.name, comment=comment)
        if comment
        else T("Acknowledged by {who}", who=actor.name)
    )
    return await _change(ctx, alert, columns, "acknowledged", story, actor, {"comment": comment})


async def snooze(ctx: Context, alert_id: str, wish: Snooze, *, actor: Actor) -> Alert:
    """Be quiet about it for a while; where it fires still, it is told again then."""
    actor.require("alerts.write")
    alert = await find(ctx, alert_id)
    until = wish.until(ctx.clock.now())
    columns = {"snoozed_until": until, "snoozed_by": actor.name}
    story = T("Snoozed until {until} by {who}", until=moment(until), who=actor.name)
    return await _change(ctx, alert, columns, "snoozed", story, actor, {"until": moment(until)})


async def unsnooze(ctx: Context, alert_id: str, *, actor: Actor) -> Alert:
    """End the snoozing: it is told again at the next look, where it fires still."""
    actor.require("alerts.write")
    alert, now = await find(ctx, alert_id), ctx.clock.now()
    if alert.snoozed_until is None:
        return alert
    story = T("No longer snoozed, says {who}", who=actor.name)
    return await _change(ctx, alert, {"snoozed_until": now}, "unsnoozed", story, actor, {})


async def replayed(ctx: Context, alert_id: str, *, count: int, actor: Actor) -> Alert:
    """Note that its failed events are replayed, in its history and its messages; the replay has its own audit."""
    alert = await find(ctx, alert_id)
    told = {"count": count, "by": actor.name}
    columns = {"facts": orjson.dumps({**orjson.loads(alert.facts), "replayed": told}).decode()}
    said = TN("{count} event is replayed, says {who}", "{count} events are replayed, says {who}", count, who=actor.name)
    return await _change(ctx, alert, columns, "replayed", said, actor, {"count": count})


async def _change(
    ctx: Context, alert: Alert, columns: dict[str, Any], kind: str, story: Text, actor: Actor, data: dict[str, Any]
) -> Alert:
    now = ctx.clock.now()
    shown = {name: value for name, value in data.items() if value}
    entry = audit.entry(ctx, actor, f"alert.{kind}", integration_id=alert.integration_id, subject=alert.id, after=shown)
    done = await ctx.db.write(
        rows.change,
        alert.id,
        columns,
        history=[plans.noted(alert, now, kind, by=actor.name, **shown)],
        plans=[plans.everywhere(alert, kind, story)],
        entry=entry,
        now=now,
    )
    if not done:
        raise Conflict(
            T("The alert {id} has ended ({status}): there is nothing to do about it.", id=alert.id,
              status=alert.status),
            alert=alert.id,
        )  # fmt: skip
    return await find(ctx, alert.id)
