"""The modal that adds an alert rule: checked as it is typed, and played over the past before it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.dispatch import run_button
from chatbot.states import severity
from chatbot.view import Built, Problems, View, register
from core import alerts, integrations
from core.alerting.preview import Preview, preview
from core.alerting.preview_words import sentence
from core.alerts import RuleWish
from core.context import Context
from core.errors import Invalid
from core.texts import T, Text

DAYS, MOST_DAYS = 7, 30
"""Over how much of the past a rule is played: of the last week by minutes."""
EXAMPLES = "latency_p95 > 500ms for 5m; no_events for 1h; error_rate > 3 * avg(error_rate, 1d)"
_FIELDS = ("name", "condition", "channels", "severity", "resolve", "description")
_BETWEEN = re.compile(r"[\s;]+|,\s+|,(?=[a-z]+://)")
"""What stands between two channels; a comma alone stands between two addresses of one."""
_PLACES = {"notification_channels": "channels", "resolve_condition": "resolve"}
"""Members of a rule whose block is called otherwise."""


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the fields."""
    installed = await integrations.find(ctx, asked.about["integration"])
    return fields(asked, f"*{blocks.plain(installed.name)}* {blocks.code(installed.slug)}")


def fields(asked: Asked, head: str, outcome: str | None = None, *more_blocks: blocks.Block) -> Built:
    """Return the fields; `outcome`: what the preview says, and `more_blocks` what stands below it."""
    say = asked.say
    condition = blocks.text_field("typed", placeholder="error_rate > 5% for 5m", most=500)
    channels = blocks.text_field("typed", placeholder="slack://dev-alerts, email://team@example.com", most=1_000)
    bad = [blocks.option(say(severity(one)), one) for one in ("critical", "warning", "info")]
    more = say(T("Such as {examples}. The grammar: docs/alerts.md.", examples=EXAMPLES))
    to = T("With commas between them. None: each channel whose setting is there.")
    until = T("What must hold until it is resolved. None: that the condition no longer does.")
    told = [blocks.section(outcome)] if outcome is not None else []
    return [
        blocks.section(head),
        blocks.field("name", say(T("Name")), blocks.text_field("typed", placeholder="High error rate", most=80)),
        blocks.field("condition", say(T("Alert when")), condition, hint=more),
        blocks.actions(
            [
                blocks.button(say(T("Try it on the last 7 days")), "preview_rule"),
                blocks.button(say(T("On the last 30")), f"preview_rule:{MOST_DAYS}", str(MOST_DAYS)),
            ],
            block_id="try",
        ),
        *told,
        *more_blocks,
        blocks.field("channels", say(T("Tell")), channels, hint=say(to), needed=False),
        blocks.field("severity", say(T("How bad")), blocks.select("–", "typed", bad, chosen="warning")),
        blocks.field("resolve", say(T("Resolved when")), blocks.text_field("typed", placeholder="error_rate < 2%",
                     most=500), hint=say(until), needed=False),
        blocks.field("description", say(T("What to do then")), blocks.text_field("typed", lines=True, most=500),
                     needed=False),
    ]  # fmt: skip


def read(values: Mapping[str, Any]) -> RuleWish:
    """Return what is typed as a rule; raise `ValidationError`."""
    typed = {name: str(values.get(name) or "").strip() for name in _FIELDS}
    return RuleWish.model_validate(
        {
            "name": typed["name"],
            "condition": typed["condition"],
            "notification_channels": [one for one in _BETWEEN.split(typed["channels"]) if one],
            "severity": typed["severity"] or "warning",
            "description": typed["description"],
            "resolve_condition": typed["resolve"] or None,
        }
    )


async def check(ctx: Context, asked: Asked) -> Problems:
    """Say at each field what is wrong there; of a condition, in which column and what was expected."""
    try:
        wish = read(asked.values)
    except ValidationError as error:
        return {_place(str(one["loc"][0])): T("{reason}", reason=one["msg"]) for one in error.errors()}
    installed = await integrations.find(ctx, asked.about["integration"])
    try:
        await alerts.check(ctx, installed.id, wish)
    except Invalid as error:
        return _problems(error)
    return {}


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Add the rule, and say what it would have done."""
    installed = await integrations.find(ctx, asked.about["integration"])
    stored = await alerts.add(ctx, installed.id, read(asked.values), actor=asked.actor)
    name = f"*{blocks.plain(stored.rule.name)}*"
    said = asked.say(T("{who} added the alert rule {name} to {integration}.", who=f"<@{asked.user}>", name=name,
                       integration=blocks.code(installed.slug)))  # fmt: skip
    lines = [said, blocks.code(stored.rule.condition), await foretold(ctx, asked, installed.id, asked.values)]
    back = run_button(asked, asked.say(T("Show the rules")), ("alerts", installed.slug))
    return Reply("\n".join(lines), [blocks.section("\n".join(lines)), blocks.actions([back])], to="channel")


async def foretold(ctx: Context, asked: Asked, integration_id: str, values: Mapping[str, Any]) -> str:
    """Return what the typed rule would have done; raise `Invalid` where it is none."""
    return words(asked, await tried(ctx, integration_id, values))


async def tried(ctx: Context, integration_id: str, values: Mapping[str, Any], *, days: int = DAYS) -> Preview:
    """Play the typed rule over the last days; raise `Invalid` where it is none."""
    return await preview(
        ctx, integration_id, condition=str(values.get("condition") or ""),
        resolve_condition=str(values.get("resolve") or "").strip() or None, min_samples=None,
        start=ctx.clock.now() - days * 86_400,
    )  # fmt: skip


def words(asked: Asked, found: Preview) -> str:
    """Say what a rule would have done."""
    return f":crystal_ball: {blocks.plain(sentence(found, asked.language))}"


def _problems(error: Invalid) -> Problems:
    found: dict[str, Text] = {}
    for one in error.details.get("fields") or [{**error.details, "message": error.message}]:
        member = next((part for part in str(one.get("path", "")).split(".") if part not in ("rules",) and
                       not part.isdigit()), "name")  # fmt: skip
        said = one["message"]
        place = _place(member)
        if place not in found:
            found[place] = said
    return found


def _place(member: str) -> str:
    name = _PLACES.get(member, member)
    return name if name in _FIELDS else "name"


register(
    View(
        name="alert_rule", title=T("Add an alert rule"), build=build, permission="alerts.write", submit=submit,
        check=check, button=T("Add"),
    )
)  # fmt: skip
