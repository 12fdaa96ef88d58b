"""One rule of an integration added, changed or removed; the others stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.actors import Actor
from core.alerts.rules import MOST_RULES, RuleWish, Stored, checked, listed, put, wish_of
from core.context import Context
from core.errors import Conflict, Invalid, NotFound
from core.texts import T

_TRIES = 5
"""How often a change is made anew because the rules have changed under it."""


@dataclass(frozen=True)
class Seen:
    """A rule as somebody saw it; `updated_at` tells whether it is the same still."""

    id: str
    updated_at: float


async def find(ctx: Context, integration_id: str, name: str) -> Stored:
    """Return the rule with this name or id; raise `NotFound` that lists those there are."""
    rules = await listed(ctx, integration_id)
    found = next((one for one in rules if name in (one.id, one.rule.name)), None)
    if found is None:
        known = ", ".join(one.rule.name for one in rules) or "–"
        raise NotFound(T("There is no alert rule {name}. There are: {known}.", name=name[:80], known=known))
    return found


async def add(ctx: Context, integration_id: str, wish: RuleWish, *, actor: Actor) -> Stored:
    """Add a rule to those of an integration; raise `Invalid` (`path`: the field, such as `condition`)."""
    rules = await _changed(ctx, integration_id, lambda there: [*map(_same, there), (None, wish)], actor)
    return next(one for one in rules if one.rule.name == wish.name)


async def change(ctx: Context, integration_id: str, seen: Seen, wish: RuleWish, *, actor: Actor) -> Stored:
    """Put `wish` in the place of a rule, which keeps its id; raise `Conflict` where somebody was quicker."""

    def wanted(there: Sequence[Stored]) -> list[tuple[str | None, RuleWish]]:
        _check_seen(there, seen)
        return [(one.id, wish) if one.id == seen.id else _same(one) for one in there]

    rules = await _changed(ctx, integration_id, wanted, actor)
    return next(one for one in rules if one.id == seen.id)


async def remove(ctx: Context, integration_id: str, rule_id: str, *, actor: Actor) -> Stored:
    """Take a rule away and return what it was: nobody is told of it any more, and its open alert ends."""
    found = await find(ctx, integration_id, rule_id)
    await _changed(
        ctx, integration_id, lambda there: [_same(one) for one in there if one.id != found.id], actor
    )  # fmt: skip
    return found


async def check(ctx: Context, integration_id: str, wish: RuleWish, *, seen: Seen | None = None) -> None:
    """Raise `Invalid` where `add` (or `change` of what was `seen`) would for what is typed; `fields`: each place."""
    there = await listed(ctx, integration_id)
    if seen is not None:
        _check_seen(there, seen)
    wishes = [wish_of(one.rule) for one in there if seen is None or one.id != seen.id]
    if len(wishes) >= MOST_RULES:
        raise Invalid(T("An integration has at most {limit} rules.", limit=MOST_RULES), path="name")
    checked([*wishes, wish], path="rules")


def _same(one: Stored) -> tuple[str | None, RuleWish]:
    return one.id, wish_of(one.rule)


def _check_seen(there: Sequence[Stored], seen: Seen) -> None:
    now = next((one for one in there if one.id == seen.id), None)
    if now is None:
        raise Conflict(T("This rule is no longer there: somebody has removed it."))
    if now.updated_at != seen.updated_at:
        raise Conflict(T("Somebody has changed this rule meanwhile. Look at what it is now, and edit it anew."))


async def _changed(
    ctx: Context,
    integration_id: str,
    wanted: Callable[[Sequence[Stored]], Sequence[tuple[str | None, RuleWish]]],
    actor: Actor,
) -> Sequence[Stored]:
    """Replace all rules by those `wanted`; begin anew where somebody else was quicker."""
    for _ in range(_TRIES):
        there = await listed(ctx, integration_id)
        rules = wanted(there)
        if len(rules) > MOST_RULES:
            raise Invalid(T("An integration has at most {limit} rules.", limit=MOST_RULES), path="name")
        ids, wishes = [known for known, _ in rules], [wish for _, wish in rules]
        kept = await put(ctx, integration_id, wishes, actor=actor, ids=ids, seen=there)
        if kept is not None:
            return kept
    raise Conflict(T("The rules are being changed by others all the time. Try again."))
