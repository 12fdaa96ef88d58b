"""The modals that add and edit an alert rule: checked as it is typed, and played over the past before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from chatbot import blocks
from chatbot.asked import Answer, Asked, Open, Reply
from chatbot.dispatch import run_button
from chatbot.states import severity
from chatbot.view import Built, Problems, View, register
from core import alerts, channels, integrations
from core.alerting.preview import Preview, preview
from core.alerting.preview_words import sentence
from core.alerts import RuleWish, Seen, Stored
from core.context import Context
from core.errors import Conflict, Invalid
from core.texts import T, Text

DAYS, MOST_DAYS = 7, 30
"""Over how much of the past a rule is played: of the last week by minutes."""
EXAMPLES = "latency_p95 > 500ms for 5m; no_events for 1h; error_rate > 3 * avg(error_rate, 1d)"
ADD, EDIT = "alert_rule", "edit_alert_rule"
_MEMBERS = {
    "name": "name", "condition": "condition", "channels": "notification_channels", "severity": "severity",
    "resolve": "resolve_condition", "description": "description", "samples": "min_samples",
    "repeat": "repeat_interval",
}  # fmt: skip
"""The blocks of the form, each with the member of a rule that it is."""
_MOST_CHANNELS = 3_000


def editing(stored: Stored, integration_id: str) -> Open:
    """Return the modal that edits a rule, as it is now."""
    about = {"integration": integration_id, "rule": stored.id, "seen": stored.updated_at}
    return Open(EDIT, about, T("Edit"))


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the fields, filled in with the rule where there is one."""
    installed = await integrations.find(ctx, asked.about["integration"])
    seen = _seen(asked)
    stored = await alerts.find(ctx, installed.id, seen.id) if seen is not None else None
    return fields(asked, head(installed.name, installed.slug), _written(stored) if stored is not None else {})


def head(name: str, slug: str) -> str:
    """Return what the rule is about."""
    return f"*{blocks.plain(name)}* {blocks.code(slug)}"


def fields(
    asked: Asked, about: str, given: Mapping[str, Any], outcome: str | None = None, *more_blocks: blocks.Block
) -> Built:
    """Return the fields, with what is `given` in them.

    `outcome`: what the preview says, and `more_blocks` what stands below it.
    """
    say = asked.say
    bad = [blocks.option(say(severity(one)), one) for one in ("critical", "warning", "info")]
    more = say(T("Such as {examples}. The grammar: docs/alerts.md.", examples=EXAMPLES))
    to = T("With commas between them. None: each channel whose setting is there.")
    until = T("What must hold until it is resolved. None: that the condition no longer does.")
    fewest = T("Of fewer a rate or a percentile tells nothing. None: 5 for error_rate, 10 for percentiles.")
    again = T("While it fires and nobody has acknowledged it: 5m to 30d. None: 4h.")
    told = [blocks.section(outcome)] if outcome is not None else []

    def typed(name: str, label: Text, *, hint: Text | str = "", needed: bool = False, **form: Any) -> blocks.Block:
        element = blocks.text_field("typed", value=str(given.get(name) or ""), **form)
        return blocks.field(name, say(label), element, hint=say(hint), needed=needed)

    chosen = str(given.get("severity") or "warning")
    return [
        blocks.section(about),
        typed("name", T("Name"), placeholder="High error rate", most=80, needed=True),
        typed("condition", T("Alert when"), placeholder="error_rate > 5% for 5m", most=500, hint=more, needed=True),
        blocks.actions(
            [
                blocks.button(say(T("Try it on the last 7 days")), "preview_rule"),
                blocks.button(say(T("On the last 30")), f"preview_rule:{MOST_DAYS}", str(MOST_DAYS)),
            ],
            block_id="try",
        ),
        *told,
        *more_blocks,
        typed("channels", T("Tell"), placeholder="slack://dev-alerts, email://team@example.com", most=_MOST_CHANNELS,
              hint=to),
        blocks.field("severity", say(T("How bad")), blocks.select("–", "typed", bad, chosen=chosen)),
        typed("resolve", T("Resolved when"), placeholder="error_rate < 2%", most=500, hint=until),
        typed("description", T("What to do then"), lines=True, most=500),
        typed("samples", T("Of how many events at least"), placeholder="5", most=7, hint=fewest),
        typed("repeat", T("Tell again after"), placeholder="4h", most=7, hint=again),
    ]  # fmt: skip


def _written(stored: Stored) -> dict[str, str]:
    """Return a rule as it stands in the fields; raise `Invalid` where it does not fit there."""
    rule = stored.rule
    found = {
        "name": rule.name,
        "condition": rule.condition,
        "channels": ", ".join(str(target) for target in rule.channels),
        "severity": rule.severity,
        "resolve": rule.resolve_condition or "",
        "description": rule.description,
        "samples": str(rule.min_samples or ""),
        "repeat": alerts.repeat_interval(rule) or "",
    }
    if len(found["channels"]) > _MOST_CHANNELS:
        raise Invalid(
            T("The channels of {name} are too long for a form of Slack's. Change it with PUT "
              "/v1/integrations/{{id}}/alerts.", name=rule.name)
        )  # fmt: skip
    return found


def read(values: Mapping[str, Any]) -> RuleWish:
    """Return what is typed as a rule; raise `ValidationError`."""
    typed = {name: str(values.get(name) or "").strip() for name in _MEMBERS}
    return RuleWish.model_validate(
        {
            "name": typed["name"],
            "condition": typed["condition"],
            "notification_channels": channels.addresses(typed["channels"]),
            "severity": typed["severity"] or "warning",
            "description": typed["description"],
            "resolve_condition": typed["resolve"] or None,
            "min_samples": _whole(typed["samples"]),
            "repeat_interval": typed["repeat"] or None,
        }
    )


def _whole(typed: str) -> int | str | None:
    """Return a whole number; what is none stays as it is, and is refused like any other wrong member."""
    return (int(typed) if typed.isdecimal() else typed) if typed else None


async def check(ctx: Context, asked: Asked) -> Problems:
    """Say at each field what is wrong there; of a condition, in which column and what was expected."""
    try:
        wish = read(asked.values)
    except ValidationError as error:
        return {_place(str(one["loc"][0])): T("{reason}", reason=one["msg"]) for one in error.errors()}
    installed = await integrations.find(ctx, asked.about["integration"])
    try:
        await alerts.check(ctx, installed.id, wish, seen=_seen(asked))
    except Invalid as error:
        return _problems(error)
    except Conflict as error:
        return {"name": error.message}
    return {}


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Add or change the rule, and say what it would have done."""
    installed = await integrations.find(ctx, asked.about["integration"])
    seen, wish, who = _seen(asked), read(asked.values), f"<@{asked.user}>"
    name, of = f"*{blocks.plain(wish.name)}*", blocks.code(installed.slug)
    if seen is None:
        stored = await alerts.add(ctx, installed.id, wish, actor=asked.actor)
        said = T("{who} added the alert rule {name} to {integration}.", who=who, name=name, integration=of)
    else:
        stored = await alerts.change(ctx, installed.id, seen, wish, actor=asked.actor)
        said = T("{who} changed the alert rule {name} of {integration}.", who=who, name=name, integration=of)
    lines = [
        asked.say(said),
        blocks.code(stored.rule.condition),
        words(asked, await tried(ctx, installed.id, asked.values)),
    ]
    back = run_button(asked, asked.say(T("Show the rules")), ("alerts", installed.slug))
    return Reply("\n".join(lines), [blocks.section("\n".join(lines)), blocks.actions([back])], to="channel")


async def tried(ctx: Context, integration_id: str, values: Mapping[str, Any], *, days: int = DAYS) -> Preview:
    """Play the typed rule over the last days; raise `Invalid` where it is none."""
    fewest = _whole(str(values.get("samples") or "").strip())
    return await preview(
        ctx, integration_id, condition=str(values.get("condition") or ""),
        resolve_condition=str(values.get("resolve") or "").strip() or None,
        min_samples=fewest if isinstance(fewest, int) else None, start=ctx.clock.now() - days * 86_400,
    )  # fmt: skip


def words(asked: Asked, found: Preview) -> str:
    """Say what a rule would have done."""
    return f":crystal_ball: {blocks.plain(sentence(found, asked.language))}"


def _seen(asked: Asked) -> Seen | None:
    """Return the rule that is edited, None where one is added."""
    if "rule" not in asked.about:
        return None
    return Seen(str(asked.about["rule"]), float(asked.about["seen"]))


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
    return next((block for block, known in _MEMBERS.items() if known == member), "name")


for _name, _title, _button in (
    (ADD, T("Add an alert rule"), T("Add")),
    (EDIT, T("Edit an alert rule"), T("Save")),
):
    register(
        View(name=_name, title=_title, build=build, permission="alerts.write", submit=submit, check=check,
             button=_button)
    )  # fmt: skip
