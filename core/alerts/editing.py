"""One rule of an integration changed or removed, the others left as they are."""

from __future__ import annotations

from core.actors import Actor
from core.alerts.rules import RuleWish, Stored, checked, listed, replace, wish_of
from core.context import Context
from core.errors import Conflict, NotFound
from core.texts import T


async def find(ctx: Context, integration_id: str, rule_id: str) -> Stored:
    """Return a rule of an integration; raise `NotFound`."""
    found = next((one for one in await listed(ctx, integration_id) if one.id == rule_id), None)
    if found is None:
        raise NotFound(T("There is no rule {id} here; it was removed, or replaced by another.", id=rule_id[:60]))
    return found


async def check(ctx: Context, integration_id: str, rule_id: str, wish: RuleWish) -> None:
    """Raise `Invalid` where `change` would for what is typed; `fields` has each wrong place."""
    checked(await _with(ctx, integration_id, rule_id, wish), path="rules")


async def change(
    ctx: Context, integration_id: str, rule_id: str, wish: RuleWish, *, seen: float, actor: Actor
) -> Stored:
    """Make a rule this one; raise `Invalid`, `NotFound`, or `Conflict` where it was changed after it was `seen`."""
    actor.require("alerts.write")
    found = await find(ctx, integration_id, rule_id)
    if found.updated_at != seen:
        raise Conflict(T("Somebody has changed this rule meanwhile. Below is what you typed; save again to keep it."))
    rules = await replace(ctx, integration_id, await _with(ctx, integration_id, rule_id, wish), actor=actor)
    return next(one for one in rules if one.rule.name == wish.name)


async def remove(ctx: Context, integration_id: str, rule_id: str, *, actor: Actor) -> None:
    """Remove a rule: an alert that is open for it ends at the next look. Raises `NotFound`."""
    actor.require("alerts.write")
    await find(ctx, integration_id, rule_id)
    left = [wish_of(one.rule) for one in await listed(ctx, integration_id) if one.id != rule_id]
    await replace(ctx, integration_id, left, actor=actor)


async def _with(ctx: Context, integration_id: str, rule_id: str, wish: RuleWish) -> list[RuleWish]:
    return [wish if one.id == rule_id else wish_of(one.rule) for one in await listed(ctx, integration_id)]
