"""What should have arrived and did not, in words, with the buttons that look again and mend it."""

from __future__ import annotations

import orjson

from chatbot import blocks
from chatbot.asked import Asked, Place, Reply
from chatbot.dispatch import run_button
from core import gaps
from core.gaps import Overview
from core.texts import TN, T, Text, revive
from storage.gaps import Gap

SHOWN = 10
_LONGEST = 500


def message(asked: Asked, found: Overview, *, to: Place = "asker") -> Reply:
    """Return an integration's gaps. Pure."""
    head = f"{asked.say(_verdict(found))} · *{blocks.plain(found.installed.name)}* {blocks.code(found.installed.slug)}"
    lines = [head, *_findings(asked, found)]
    shown = [blocks.section(line) for line in lines]
    told = [_gap(asked, gap) for gap in found.gaps[:SHOWN]]
    shown += [blocks.section(line) for line in told]
    if found.total > len(told):
        rest = TN("{count} more is not shown.", "{count} more are not shown.", found.total - len(told))
        shown.append(blocks.context(asked.say(rest)))
    how = asked.say(_how(found))
    shown += [blocks.context(how), blocks.actions(_buttons(asked, found))]
    return Reply("\n".join([*lines, *told, how]), shown, to=to)


def _verdict(found: Overview) -> Text:
    if found.total:
        return TN(":red_circle: {count} is missing", ":red_circle: {count} are missing", found.total)
    if found.check.checked_at is None:
        return T(":white_circle: nobody has looked for gaps yet")
    if found.check.problem or not found.check.complete:
        return T(":large_yellow_circle: not everything could be looked at")
    return T(":large_green_circle: nothing is missing")


def _findings(asked: Asked, found: Overview) -> list[str]:
    told = [
        f":warning: {blocks.plain(blocks.cut(revive(one['message'], asked.language), _LONGEST))}"
        for one in orjson.loads(found.check.findings)[:SHOWN]
    ]
    if found.check.problem:
        problem = orjson.loads(found.check.problem)
        told.append(f":warning: {blocks.plain(blocks.cut(revive(problem['message'], asked.language), _LONGEST))}")
    return told


def _gap(asked: Asked, gap: Gap) -> str:
    said = f"{blocks.plain(blocks.cut(asked.say(gaps.message(gap)), _LONGEST))} · {blocks.date(gap.at_from)}"
    if gap.asked:
        said += " · " + asked.say(TN("GitHub was asked {count} time", "GitHub was asked {count} times", gap.asked))
    return said


def _how(found: Overview) -> Text:
    way: Text
    match found.method:
        case "github_deliveries":
            way = T("by comparing with what GitHub has sent")
        case "sequence":
            way = T("by the sender's own count")
        case _:
            way = T("by its usual rhythm")
    if found.check.checked_at is None:
        return T("Gaps are noticed {way}.", way=way)
    return T("Looked at {when}, {way}.", when=blocks.date(found.check.checked_at), way=way)


def _buttons(asked: Asked, found: Overview) -> list[blocks.Element]:
    made: list[blocks.Element] = []
    lost = found.total if found.method == "github_deliveries" else 0
    if lost:
        ask = TN("Ask GitHub to redeliver {count}", "Ask GitHub to redeliver {count}", lost)
        made.append(blocks.button(asked.say(ask), "gaps_heal", found.installed.id, style="primary"))
    made.append(blocks.button(asked.say(T("Look now")), "gaps_check", found.installed.id))
    made.append(run_button(asked, asked.say(T("Events")), ("events", found.installed.slug), at="events"))
    return made
