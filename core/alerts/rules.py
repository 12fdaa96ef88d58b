"""The alert rules of an integration: checked, listed, replaced as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_in
from typing import Annotated, Any, Literal, get_args

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core import audit, channels, durations, mail
from core.actors import Actor
from core.alerts.language import LONGEST, parse
from core.alerts.measures import FEWEST
from core.alerts.rule import duration, show
from core.channels import Target
from core.context import Context
from core.errors import Invalid
from core.ids import new_id
from core.texts import T, Text
from storage import alert_rules as rows

MOST_RULES = 50
MOST_CHANNELS = 10

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
SHORTEST_REPEAT = 300.0
LONGEST_REPEAT = 30 * 86_400.0


def _repeat(value: str) -> str:
    try:
        seconds = durations.parse(value)
    except Invalid as error:
        raise ValueError(error.message) from None
    if not SHORTEST_REPEAT <= seconds <= LONGEST_REPEAT:
        raise ValueError(T("takes 5m to 30d"))
    return value


class RuleWish(BaseModel):
    """A rule as people write it: in a request, or in a package's manifest."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, AfterValidator(mail.one_line)] = Field(min_length=1, max_length=80, pattern=r"\S")
    condition: str = Field(
        min_length=1, max_length=LONGEST, description="When to alert.", examples=["error_rate > 5% for 5m"]
    )
    notification_channels: list[str] = Field(
        default_factory=list,
        max_length=MOST_CHANNELS,
        description="Where to: a channel with an address, or alone for the place that its setting names. None: each "
        "channel whose setting is there.",
        examples=[["slack://dev-alerts", "email://team@example.com"]],
    )
    severity: Severity = "warning"
    description: str = Field("", max_length=500, description="What to do when it fires.")
    resolve_condition: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST,
        description="What must hold before it is resolved; null: that the condition no longer does.",
        examples=["error_rate < 2%"],
    )
    min_samples: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Of how many events a rate or percentile must tell to be believed; null: "
        f"{', '.join(f'{kind} {count}' for kind, count in FEWEST.items())}.",
    )
    repeat_interval: Annotated[str, AfterValidator(_repeat)] | None = Field(
        None,
        description="How long until it is told again while it fires unacknowledged, 5m to 30d; null: 4h.",
        examples=["4h"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": "^[1-9][0-9]{0,5}[mhd]$"}, {"type": "null"}]},
    )


@dataclass(frozen=True)
class Checked:
    """A rule that is right: `condition` and `channels` in their one way of writing."""

    name: str
    condition: str
    channels: tuple[Target, ...]
    severity: Severity
    description: str
    resolve_condition: str | None = None
    min_samples: int | None = None
    repeat_seconds: float | None = None


@dataclass(frozen=True)
class Stored:
    """A rule of an integration. Times are seconds since the epoch."""

    id: str
    rule: Checked
    created_at: float
    updated_at: float


def checked(wishes: Sequence[RuleWish], *, path: str, packaged: bool = False) -> list[Checked]:
    """Return what `wishes` say; raise `Invalid` for the first wrong place, with all of them in `fields`. Pure.

    `packaged`: they come of a package, which may not hold addresses with secrets.

    Each place begins with `path`, such as `rules.0.condition`; that of a condition has its `column`.
    """
    problems: list[dict[str, Any]] = []
    found: list[Checked] = []
    names: set[str] = set()
    for number, wish in enumerate(wishes):
        where = f"{path}.{number}"
        if wish.name in names:
            problems.append(_problem(f"{where}.name", T("another rule is called {name}", name=repr(wish.name))))
        names.add(wish.name)
        rule = _checked(wish, where, problems, packaged=packaged)
        if rule is not None:
            found.append(rule)
    if problems:
        first = problems[0]
        message = T("{path}: {reason}", path=first["path"], reason=first["message"])
        details = {key: value for key, value in first.items() if key != "message"}
        raise Invalid(message, error="Invalid alert rules", **details, fields=problems)
    return found


def _checked(wish: RuleWish, where: str, problems: list[dict[str, Any]], *, packaged: bool) -> Checked | None:
    """Return the rule; where something is wrong, add to `problems` and return None."""
    before = len(problems)
    condition = ""
    try:
        condition = show(parse(wish.condition))
    except Invalid as error:
        problems.append(_problem(f"{where}.condition", error.message, **error.details))
    ending = None
    if wish.resolve_condition is not None:
        try:
            ending = show(parse(wish.resolve_condition))
        except Invalid as error:
            problems.append(_problem(f"{where}.resolve_condition", error.message, **error.details))
    targets: list[Target] = []
    for number, address in enumerate(wish.notification_channels):
        try:
            targets.append(_target(address, packaged=packaged))
        except Invalid as error:
            problems.append(_problem(f"{where}.notification_channels.{number}", error.message))
    if len(problems) > before:
        return None
    return Checked(
        wish.name,
        condition,
        tuple(dict.fromkeys(targets)),
        wish.severity,
        wish.description,
        ending,
        wish.min_samples,
        None if wish.repeat_interval is None else durations.parse(wish.repeat_interval),
    )


def _target(address: str, *, packaged: bool) -> Target:
    target = channels.parse(address)
    if packaged and not channels.CHANNELS.get(target.channel).packaged:
        raise Invalid(
            T("an address of {channel} holds a secret, and a package none. Add the rule with PUT "
              "/v1/integrations/{{id}}/alerts once it is installed.", channel=target.channel)
        )  # fmt: skip
    return target


def _problem(path: str, reason: Text, **more: Any) -> dict[str, Any]:
    return {"path": path, "message": reason, **more}


async def listed(ctx: Context, integration_id: str) -> list[Stored]:
    """Return the rules of an integration, in their order."""
    return [stored(row) for row in await ctx.db.read(rows.all_of, integration_id)]


async def replace(ctx: Context, integration_id: str, wishes: Sequence[RuleWish], *, actor: Actor) -> list[Stored]:
    """Make `wishes` all rules of an integration; raise `Invalid`, changing nothing, where one is wrong.

    A rule whose name was there keeps its id.
    """
    actor.require("alerts.write")
    rules = [await _kept(ctx, rule, number, actor) for number, rule in enumerate(checked(wishes, path="rules"))]
    before = {one.rule.name: _content(one.rule) for one in await listed(ctx, integration_id)}
    after = {rule.name: _content(rule) for rule in rules}
    entry = audit.entry(ctx, actor, "alerts.changed", integration_id=integration_id, before=before, after=after)
    kept = await ctx.db.write(
        rows.replace,
        integration_id,
        rows_of(rules),
        now=ctx.clock.now(),
        entry=entry if before != after else None,
    )
    return [stored(row) for row in kept]


async def add(ctx: Context, integration_id: str, wish: RuleWish, *, actor: Actor) -> Stored:
    """Add a rule to those of an integration; raise `Invalid` (`path`: the field, such as `condition`)."""
    actor.require("alerts.write")
    wishes = [*(wish_of(one.rule) for one in await listed(ctx, integration_id)), wish]
    rules = await replace(ctx, integration_id, wishes, actor=actor)
    return next(one for one in rules if one.rule.name == wish.name)


async def check(ctx: Context, integration_id: str, wish: RuleWish) -> None:
    """Raise `Invalid` where `add` would for what is typed; `fields` has each wrong place."""
    wishes = [*(wish_of(one.rule) for one in await listed(ctx, integration_id)), wish]
    if len(wishes) > MOST_RULES:
        raise Invalid(T("An integration has at most {limit} rules.", limit=MOST_RULES), path="name")
    checked(wishes, path="rules")


def wish_of(rule: Checked) -> RuleWish:
    """Return a rule as people would write it."""
    return RuleWish(
        name=rule.name,
        condition=rule.condition,
        notification_channels=[str(target) for target in rule.channels],
        severity=rule.severity,
        description=rule.description,
        resolve_condition=rule.resolve_condition,
        min_samples=rule.min_samples,
        repeat_interval=repeat_interval(rule),
    )


async def _kept(ctx: Context, rule: Checked, number: int, actor: Actor) -> Checked:
    """Return a rule whose addresses hold no secrets: those are kept apart, and named."""
    targets: list[Target] = []
    for place, target in enumerate(rule.channels):
        try:
            targets.append(await channels.kept(ctx, target, actor))
        except Invalid as error:
            path = f"rules.{number}.notification_channels.{place}"
            problem = _problem(path, error.message)
            message = T("{path}: {reason}", path=path, reason=error.message)
            raise Invalid(message, error="Invalid alert rules", path=path, fields=[problem]) from None
    return replace_in(rule, channels=tuple(dict.fromkeys(targets)))


def _content(rule: Checked) -> dict[str, Any]:
    return {
        "condition": rule.condition,
        "notification_channels": [str(target) for target in rule.channels],
        "severity": rule.severity,
        "description": rule.description,
        "resolve_condition": rule.resolve_condition,
        "min_samples": rule.min_samples,
        "repeat_interval": repeat_interval(rule),
    }


def repeat_interval(rule: Checked) -> str | None:
    """Return a rule's repeat interval as people write it."""
    return None if rule.repeat_seconds is None else duration(int(rule.repeat_seconds))


def rows_of(rules: Sequence[Checked]) -> list[dict[str, Any]]:
    """Return rules as they are stored, new ids and all."""
    return [_row(rule) for rule in rules]


def _row(rule: Checked) -> dict[str, Any]:
    return {
        "id": new_id("alr"),
        "name": rule.name,
        "condition": rule.condition,
        "channels": orjson.dumps([str(target) for target in rule.channels]).decode(),
        "severity": rule.severity,
        "description": rule.description,
        "resolve_condition": rule.resolve_condition,
        "min_samples": rule.min_samples,
        "repeat_seconds": rule.repeat_seconds,
    }


def stored(row: rows.AlertRule) -> Stored:
    """Return a row as a rule."""
    severity = next(known for known in SEVERITIES if known == row.severity)
    targets = tuple(map(channels.parse, orjson.loads(row.channels)))
    rule = Checked(
        row.name,
        row.condition,
        targets,
        severity,
        row.description,
        row.resolve_condition,
        row.min_samples,
        row.repeat_seconds,
    )
    return Stored(row.id, rule, row.created_at, row.updated_at)
