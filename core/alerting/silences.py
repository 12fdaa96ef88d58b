"""Silences and maintenance windows: times in which alerts that fit are not told. They are looked at all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core import audit, integrations
from core.actors import Actor
from core.alerting.subjects import ENGINE
from core.alerts.language import near
from core.clock import moment
from core.context import Context
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.texts import T
from storage import alert_rules
from storage import alerts as rows
from storage.alerts import AlertSilence

Kind = Literal["silence", "maintenance"]
LONGEST_SECONDS = 366 * 86_400.0
MOST_NAMED = 20
"""Rules that an error lists."""


@dataclass(frozen=True)
class SilenceWish:
    """What is to be silent, from when to when (seconds since the epoch). None fits all."""

    kind: Kind
    at_from: float
    at_to: float
    comment: str
    integration: str | None = None
    """An id, a slug, or `engine`."""
    rule: str | None = None
    severity: str | None = None


async def silences(ctx: Context, *, ended: bool) -> list[AlertSilence]:
    """Return those that have not ended; with `ended` all that are kept."""
    return await ctx.db.read(rows.silences, ends_after=None if ended else ctx.clock.now())


async def silence(ctx: Context, silence_id: str) -> AlertSilence:
    """Return one; raise `NotFound`."""
    found = await ctx.db.read(rows.silence, silence_id)
    if found is None:
        raise NotFound(T("There is no silence {id}. GET /v1/silences lists them.", id=silence_id[:60]))
    return found


async def put_silence(ctx: Context, wish: SilenceWish, *, actor: Actor, silence_id: str | None = None) -> AlertSilence:
    """Store a new one, or change the one with this id; raises `Invalid`, `NotFound`, or `Conflict` for an ended one."""
    actor.require("alerts.write")
    before = await silence(ctx, silence_id) if silence_id is not None else None
    now = ctx.clock.now()
    if wish.at_to <= max(wish.at_from, now):
        raise Invalid(T("to must be after from, and in the future."), path="to")
    if wish.at_to - wish.at_from > LONGEST_SECONDS:
        raise Invalid(T("A silence lasts at most 366 days."), path="to")
    integration_id = await _integration(ctx, wish.integration)
    if before is None or before.rule != wish.rule:
        await _check_rule(ctx, integration_id, wish.rule)
    row: dict[str, Any] = {
        "id": before.id if before is not None else new_id("sil"),
        "kind": wish.kind,
        "integration_id": integration_id,
        "rule": wish.rule,
        "severity": wish.severity,
        "at_from": wish.at_from,
        "at_to": wish.at_to,
        "comment": wish.comment,
        "created_at": before.created_at if before is not None else now,
        "created_by": before.created_by if before is not None else actor.name,
        "updated_at": now,
    }
    action = "silence.made" if before is None else "silence.changed"
    entry = audit.entry(
        ctx, actor, action, integration_id=row["integration_id"], subject=row["id"],
        before=shown(before) if before is not None else None, after=shown(AlertSilence(**row)),
    )  # fmt: skip
    if before is None:
        await ctx.db.write(rows.add_silence, row, entry=entry)
    elif not await ctx.db.write(rows.change_silence, row, now=now, entry=entry):
        raise Conflict(
            T("This silence has ended, and is kept for those who ask why they were not told. Make another one.")
        )
    return AlertSilence(**row)


async def end_silence(ctx: Context, silence_id: str, *, actor: Actor) -> AlertSilence:
    """End it now; one that has not begun never will. It is kept for those who ask why they were not told."""
    actor.require("alerts.write")
    found, now = await silence(ctx, silence_id), ctx.clock.now()
    if found.at_to <= now:
        return found
    row = {**found.model_dump(), "at_from": min(found.at_from, now), "at_to": now, "updated_at": now}
    entry = audit.entry(
        ctx, actor, "silence.ended", integration_id=found.integration_id, subject=found.id,
        before=shown(found), after=shown(AlertSilence(**row)),
    )  # fmt: skip
    if not await ctx.db.write(rows.change_silence, row, now=now, entry=entry):  # somebody was quicker
        return await silence(ctx, silence_id)
    return AlertSilence(**row)


async def _integration(ctx: Context, reference: str | None) -> str | None:
    if reference is None or reference == ENGINE:
        return reference
    try:
        return (await integrations.find(ctx, reference)).id
    except NotFound as error:
        raise Invalid(error.message, path="integration") from None


async def _check_rule(ctx: Context, integration_id: str | None, rule: str | None) -> None:
    """Raise `Invalid` for a name that no rule has: it would keep nothing quiet, and nobody would notice."""
    if rule is None:
        return
    rules = [] if integration_id == ENGINE else await ctx.db.read(alert_rules.everything)
    own = [] if integration_id not in (None, ENGINE) else await ctx.db.read(rows.standings, integration_id=ENGINE)
    known = {one.name for one in rules if integration_id in (None, one.integration_id)} | {one.name for one in own}
    if rule in known:
        return
    meant = near(rule, known)
    hint = T("Did you mean {name}?", name=meant) if meant else T("There are: {known}.", known=_some(known))
    raise Invalid(T("rule: there is no rule {name}. {hint}", name=repr(rule[:80]), hint=hint), path="rule")


def _some(names: set[str]) -> str:
    ordered = sorted(names)
    return ", ".join([*ordered[:MOST_NAMED], *(["…"] if len(ordered) > MOST_NAMED else [])])


def shown(row: AlertSilence) -> dict[str, Any]:
    """Return what a silence says, as the audit and REST have it."""
    return {
        "kind": row.kind,
        "integration_id": row.integration_id,
        "rule": row.rule,
        "severity": row.severity,
        "from": moment(row.at_from),
        "to": moment(row.at_to),
        "comment": row.comment,
    }
