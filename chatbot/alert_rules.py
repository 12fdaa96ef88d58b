"""Alert rules in Slack: how each stands, its channels, and the test that messages arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatbot import alert_list, blocks, opening, picking
from chatbot.asked import Asked, Open, Reply
from chatbot.buttons import remove_rule
from chatbot.dispatch import run_button
from chatbot.states import rule as in_words
from chatbot.states import severity
from chatbot.views import alert_rule
from core import alerting, listing
from core import alerts as rules
from core.alerting import unknown
from core.alerting.engine_words import spoken
from core.alerting.plans import default_channels
from core.alerting.subjects import ENGINE
from core.alerting.words import measured
from core.alerts import Stored
from core.context import Context
from core.errors import Conflict
from core.integrations import Installed
from core.texts import TN, T, Text
from storage.alerts import AlertSilence, AlertStanding

RULES = 12
"""Rules that are shown; the others are counted."""
ENDED = 3
ORDER = ("firing", "pending", "no_data", "ok")


async def overall(ctx: Context, asked: Asked) -> Reply:
    """Return all open alerts, the rules that are not well, and the newest integrations to choose from."""
    found = await alert_list.of(ctx)
    standings = await alerting.standings(ctx, integration_id=None)
    why = await unknown.reasons(ctx, standings)
    silences = await alerting.silences(ctx, ended=False)
    shown = [*alert_list.listed(ctx, asked, found), *_silences(ctx, asked, silences), blocks.divider()]
    shown += _troubled(asked, standings, why)
    newest, _ = await listing.newest(ctx, picking.SHOWN)
    buttons = [
        run_button(asked, one.installed.name, ("alerts", one.installed.slug), at=str(number))
        for number, one in enumerate(newest)
    ]
    buttons.append(run_button(asked, asked.say(T("The engine itself")), ("alerts", ENGINE), at="engine"))
    shown += [blocks.context(asked.say(T("The rules of one of them:"))), blocks.actions(buttons)]
    lines = [alert_list.line(ctx, asked, one) for one in found[: alert_list.SHOWN]]
    return Reply("\n".join([asked.say(_counted(len(found))), *lines, asked.say(_well(standings))]), shown)


async def engine(ctx: Context, asked: Asked) -> Reply:
    """Return what the engine watches about itself."""
    found = await alert_list.of(ctx, integration_id=ENGINE)
    standings = await alerting.standings(ctx, integration_id=ENGINE)
    why = await unknown.reasons(ctx, standings)
    lines = [_standing(asked, one, why) for one in _sorted(standings)[:RULES]]
    rows = [blocks.section(line) for line in lines]
    rows = rows or [blocks.section(asked.say(T("Nothing has been looked at yet; it is, once a minute.")))]
    said = [asked.say(_counted(len(found))), *lines]
    return Reply("\n".join(said), [*alert_list.listed(ctx, asked, found), blocks.divider(), *rows])


async def one(ctx: Context, asked: Asked, installed: Installed) -> Reply:
    """Return an integration's open alerts, its rules with their states, and what ended last."""
    found = await alert_list.of(ctx, integration_id=installed.id)
    stored = await rules.listed(ctx, installed.id)
    standings = {row.rule_id: row for row in await alerting.standings(ctx, integration_id=installed.id)}
    why = await unknown.reasons(ctx, list(standings.values()))
    silences = [row for row in await alerting.silences(ctx, ended=False) if row.integration_id in (None, installed.id)]
    stored = sorted(stored, key=lambda one: _place(standings.get(one.id)))
    head = f"*{blocks.plain(installed.name)}* {blocks.code(installed.slug)}"
    shown = [blocks.section(head), *alert_list.listed(ctx, asked, found, most=3), *_silences(ctx, asked, silences)]
    shown.append(blocks.divider())
    for number, rule in enumerate(stored[:RULES]):
        shown.append(blocks.section(_rule(ctx, asked, rule, standings.get(rule.id), why)))
        shown.append(blocks.actions(_beside(asked, installed, rule, at=str(number))))
    if len(stored) > RULES:
        left = len(stored) - RULES
        shown.append(blocks.context(asked.say(TN("{count} more rule", "{count} more rules", left))))
    if not stored:
        shown.append(blocks.section(asked.say(T("It has no rules: nobody is told of anything."))))
    shown.append(blocks.actions(_below(asked, installed)))
    shown += await _ended(ctx, asked, installed)
    lines = [_rule(ctx, asked, rule, standings.get(rule.id), why) for rule in stored[:RULES]]
    return Reply("\n".join([head, asked.say(_counted(len(found))), *lines]), shown)


async def test(ctx: Context, asked: Asked, installed: Installed, rule: str | None) -> Reply:
    """Send a test message through the channels of one rule, or of all, and say what became of each."""
    stored = await rules.listed(ctx, installed.id)
    meant = [one for one in stored if rule is None or one.rule.name == rule]
    results: list[rules.Delivery] = []
    if any(one.rule.channels for one in meant) or not meant:
        tested = await rules.test(ctx, installed.id, name=installed.name, alert_type=rule, actor=asked.actor)
        results += tested.results
    done = {result.channel for result in results}
    if any(not one.rule.channels for one in meant):
        for channel in default_channels(ctx.settings):
            if channel not in done:
                tested = await rules.test(
                    ctx, installed.id, name=installed.name, alert_type=rule, channel=channel, actor=asked.actor
                )
                results += tested.results
    if not results:
        raise Conflict(
            T("These rules name no channel, and neither {slack} nor {email} is set: nobody is told. Add a channel to a "
              "rule, or set one of them.", slack="CCB_ALERT_SLACK_CHANNEL", email="CCB_ALERT_EMAIL")
        )  # fmt: skip
    lines = [_delivery(asked, result) for result in results]
    said = asked.say(T("Test of the alerts of {name}:", name=blocks.plain(installed.name)))
    again = run_button(asked, asked.say(T("Test again")), ("alerts", *asked.words))
    return Reply("\n".join([said, *lines]), [blocks.section("\n".join([said, *lines])), blocks.actions([again])])


def _delivery(asked: Asked, result: rules.Delivery) -> str:
    mark = T(":large_green_circle: arrived") if result.delivered else T(":x: did not arrive")
    return f"{asked.say(mark)} · {blocks.code(result.channel)}: {blocks.plain(asked.say(result.detail))}"


def _counted(count: int) -> Text:
    return TN("{count} open alert", "{count} open alerts", count) if count else T("No alert is open.")


def _well(standings: Sequence[AlertStanding]) -> Text:
    well = sum(1 for row in standings if row.state == "ok")
    return TN("{well} of {count} rule is well", "{well} of {count} rules are well", len(standings), well=well)


def _troubled(asked: Asked, standings: Sequence[AlertStanding], why: Mapping[str, Text]) -> list[blocks.Block]:
    sick = [row for row in _sorted(standings) if row.state != "ok"]
    made = [blocks.section(asked.say(_well(standings)))]
    made += [blocks.section(_standing(asked, row, why)) for row in sick[:RULES]]
    if len(sick) > RULES:
        made.append(blocks.context(asked.say(TN("{count} more rule", "{count} more rules", len(sick) - RULES))))
    return made


def _standing(asked: Asked, row: AlertStanding, why: Mapping[str, Text]) -> str:
    if row.integration_id == ENGINE:  # in words, and no rule of the language
        when = asked.say(T("alerts when: {condition}", condition=spoken(row.condition)))
        rule = f"*{blocks.plain(asked.say(spoken(row.name)))}* ({blocks.plain(when)})"
    else:
        rule = f"*{blocks.plain(row.name)}* {blocks.code(row.condition)}"
    said = f"{asked.say(in_words(row.state))} · {rule}"
    return blocks.cut(f"{said}\n{_measured(asked, row, why)}", 700)


def _measured(asked: Asked, row: AlertStanding, why: Mapping[str, Text]) -> str:
    since = blocks.date(row.since)
    if row.value is None or not row.metric:
        said = asked.say(T("since {when}", when=since))
        return f"{said} · {blocks.plain(asked.say(why[row.rule_id]))}" if row.rule_id in why else said
    value = blocks.plain(f"{row.metric} {asked.say(measured(row.metric, row.value))}")
    return asked.say(T("{value} · since {when}", value=value, when=since))


def _rule(ctx: Context, asked: Asked, stored: Stored, row: AlertStanding | None, why: Mapping[str, Text]) -> str:
    rule = stored.rule
    channels = [str(target) for target in rule.channels] or default_channels(ctx.settings)
    to = ", ".join(blocks.code(one) for one in channels) or asked.say(T("nobody: no channel is set"))
    state = asked.say(in_words(row.state if row is not None else ""))
    lines = [
        f"{state} · *{blocks.plain(rule.name)}* · {asked.say(severity(rule.severity))}",
        blocks.code(rule.condition),
    ]
    told = asked.say(T("tells {channels}", channels=to))
    lines.append(f"{_measured(asked, row, why)} · {told}" if row is not None else told)
    return blocks.cut("\n".join(lines), 1_500)


async def removing(ctx: Context, asked: Asked, installed: Installed, name: str) -> Reply:
    """Return a rule with the button that removes it: what was typed asks first, too."""
    stored = await rules.find(ctx, installed.id, name)
    said = f"{asked.say(T('Remove this rule?'))}\n{_rule(ctx, asked, stored, None, {})}"
    keep = run_button(asked, asked.say(T("Show the rules")), ("alerts", installed.slug), at="keep")
    shown = [blocks.section(said), blocks.actions([remove_rule.element(asked, installed, stored), keep])]
    return Reply(said, shown)


def _beside(asked: Asked, installed: Installed, stored: Stored, *, at: str) -> list[blocks.Element]:
    """Return what can be done with one rule."""
    return [
        run_button(asked, asked.say(T("Test")), ("alerts", installed.slug, "test", stored.rule.name), at=f"test{at}"),
        opening.button(asked.say(T("Edit")), alert_rule.editing(stored, installed.id), at=f"edit{at}"),
        remove_rule.element(asked, installed, stored, at=at),
    ]


def _below(asked: Asked, installed: Installed) -> list[blocks.Element]:
    about = {"integration": installed.id}
    return [
        opening.button(asked.say(T("Add a rule")), Open(alert_rule.ADD, about), at="rule"),
        run_button(asked, asked.say(T("Test every channel")), ("alerts", installed.slug, "test"), at="all"),
        opening.button(asked.say(T("Silence")), Open("silence", about), at="silence"),
        run_button(asked, asked.say(T("Metrics")), ("metrics", installed.slug), at="metrics"),
    ]


def _silences(ctx: Context, asked: Asked, rows: Sequence[AlertSilence]) -> list[blocks.Block]:
    made = []
    for number, row in enumerate(rows[:3]):
        rule = asked.say(spoken(row.rule)) if row.rule and row.integration_id == ENGINE else row.rule
        fits = [part for part in (rule, row.severity) if part]
        what = blocks.plain(", ".join(fits)) if fits else asked.say(T("everything"))
        said = T(":no_bell: Nobody is told of {what} until {until}: {comment} ({who})", what=what,
                 until=blocks.date(row.at_to), comment=blocks.plain(row.comment),
                 who=blocks.plain(row.created_by))  # fmt: skip
        end = blocks.button(asked.say(T("End it")), f"unsilence:{number}", row.id)
        made.append(blocks.section(blocks.cut(asked.say(said), 1_000), accessory=end))
    if len(rows) > 3:
        made.append(blocks.context(asked.say(TN("{count} more silence", "{count} more silences", len(rows) - 3))))
    return made


async def _ended(ctx: Context, asked: Asked, installed: Installed) -> list[blocks.Block]:
    statuses = ("resolved", "withdrawn", "ended_without_data", "removed")
    found = await alerting.newest(ctx, integration_id=installed.id, statuses=statuses, limit=ENDED)
    why = asked.say(T("Why was I told, or not?"))
    return [
        blocks.section(
            f"{alert_list.line(ctx, asked, alert)} · {blocks.date(alert.ended_at or alert.started_at)}",
            accessory=run_button(asked, why, ("alerts", alert.id), at=f"ended{number}"),
        )
        for number, alert in enumerate(found)
    ]


def _place(row: AlertStanding | None) -> int:
    return len(ORDER) if row is None or row.state not in ORDER else ORDER.index(row.state)


def _sorted(rows: Sequence[AlertStanding]) -> list[AlertStanding]:
    return sorted(rows, key=_place)
