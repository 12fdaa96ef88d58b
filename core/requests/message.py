"""How a request stands, for the message that follows it in Slack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from core import packages
from core.context import Context
from core.errors import CcbError
from core.generation.template import FIELDS
from core.manifest import FromConfig, Manifest
from core.request_message import Lack, Level, Mark, Press, RequestMessage, Step
from core.requests import budgets
from core.requests import fields as template
from core.requests.comment import Landed, headline, samples_of
from core.requests.model import Asked
from core.requests.pull import LISTS
from core.requests.telling import landed as landed_of
from core.requests.words import INSUFFICIENT, problem
from core.texts import TN, T, Text, revive_text
from storage import requests as rows
from storage.requests import RequestLogLine, Round

_STAGES = ("check", "write", "verify", "publish", "install")
_DONE: Mapping[str, Text] = {
    "check": T("understood"),
    "write": T("Claude wrote it"),
    "verify": T("its samples pass"),
    "publish": T("pull request"),
    "install": T("installed"),
}
_NOW: Mapping[str, Text] = {
    "check": T("being looked at"),
    "write": T("Claude is writing"),
    "verify": T("running its samples"),
    "publish": T("opening the pull request"),
    "install": T("being installed"),
}
_STEPS: Mapping[str, Text] = {
    "check": T("looking at it"),
    "write": T("writing"),
    "verify": T("testing"),
    "publish": T("pull request"),
    "install": T("installing"),
    "tell": T("telling"),
    "said": T("somebody said"),
}
_CONFLICT = "Dependency conflict detected"


async def build(ctx: Context, asked: Asked, *, asker: str, language: str) -> RequestMessage:
    """Return what the message says now. `asker`: the Slack id of who asked, where they did so in Slack."""
    rounds = await ctx.db.read(rows.rounds, asked.id)
    landed = await landed_of(ctx, asked)
    row = asked.row
    pull = None
    if row.pull is not None and row.pull_url is not None:
        pull = (f"{row.repository} #{row.pull}", row.pull_url)
    return RequestMessage(
        request=asked.id,
        title=row.title,
        asked_by=row.asked_by,
        asker=asker,
        language=language,
        state=T("active") if landed is not None and landed.active else headline(asked),
        since=row.updated_at,
        steps=[(_name(stage, mark), mark) for stage, mark in zip(_STAGES, _marks(asked), strict=True)],
        next_step=_next_step(asked, landed),
        presses=_presses(asked, landed),
        spent=await _spent(ctx, asked, len(rounds)),
        trouble=problem(asked),
        lacks=_lacks(asked),
        facts=_facts(rounds) if row.pull is not None and landed is None else (),
        pull=pull,
        integration=landed.slug if landed is not None else None,
        missing=landed.missing if landed is not None else (),
    )


def step(line: RequestLogLine) -> Step:
    """Return a line of the log as it is told."""
    level: Level = "error" if line.level == "error" else "warning" if line.level == "warning" else "info"
    return Step(line.at, _STEPS.get(line.step, T("{step}", step=line.step)), level, revive_text(line.message))


def _name(stage: str, mark: Mark) -> Text:
    match mark:
        case "done":
            return _DONE[stage]
        case "now":
            return _NOW[stage]
        case "failed":
            return T("cannot go on")
        case _:
            return _STEPS[stage]


def _marks(asked: Asked) -> Sequence[Mark]:
    """Say of each stage how it is."""
    row = asked.row
    done = 0
    if row.status == "installed":
        done = len(_STAGES)
    elif row.stage in _STAGES:
        done = _STAGES.index(row.stage)
    elif row.status == "inactive":
        done = _STAGES.index("install")
    marks: list[Mark] = ["done" if number < done else "todo" for number in range(len(_STAGES))]
    if row.status == "failed":
        marks[0] = "failed" if _asks_for_change(asked) else marks[0]
    elif row.stage in _STAGES:
        marks[done] = "now"
    return marks


def _next_step(asked: Asked, landed: Landed | None) -> Text:
    row = asked.row
    match row.status:
        case "failed" if _asks_for_change(asked) and row.issue is not None:
            return T("Edit the issue and add what is missing: it goes on by itself.")
        case "failed" if _error(asked) == INSUFFICIENT:
            return T("Fill in what is missing: it goes on by itself.")
        case "failed" if _asks_for_change(asked):
            return T("Change the request so that it is free of this: it goes on by itself.")
        case "failed":
            return T("Retry begins it again. What it has cost so far stays.")
        case "inactive" if row.pull_state == "open":
            return T("Review the pull request. A review with wishes starts another round; merging installs it.")
        case "installed":
            return _after_landing(landed)
        case _:
            return T("Claude takes a few minutes as a rule. This message follows what happens.")


def _after_landing(landed: Landed | None) -> Text:
    if landed is None:
        return T("It was taken away since.")
    if landed.active:
        return T("It is active. Its events come to {url}.", url=landed.url)
    if landed.missing:
        return T("It still needs {names}: press Configure.", names=", ".join(landed.missing))
    return T("Nothing is missing: an admin switches it on with Activate. Its events come to {url}.", url=landed.url)


def _presses(asked: Asked, landed: Landed | None) -> Sequence[Press]:
    row = asked.row
    if landed is not None:
        if landed.active:
            return ("status", "configure")
        return ("configure",) if landed.missing else ("activate", "configure")
    change: Sequence[Press] = ("change",) if row.issue is None else ()  # an issue is edited on GitHub
    match row.status:
        case "failed" if _error(asked) == INSUFFICIENT:
            return ("fill",) if change else ()
        case "failed":
            return change if _asks_for_change(asked) else ("retry", *change)
        case "inactive" if row.pull_state == "open":
            return ("pull", *change)
        case "inactive":
            return ("pull",)
        case "installed":
            return ()
        case _:
            return ("stop",)


def _lacks(asked: Asked) -> Sequence[Lack]:
    missing = (asked.error_details or {}).get("missing_fields", [])
    return [
        Lack(field.name, field.title, template.WHY[field.name], field.example)
        for field in FIELDS
        if field.name in missing
    ]


def _facts(rounds: Sequence[Round]) -> Sequence[tuple[Text, Sequence[str]]]:
    """Return what the package that was published may do, and how many of its samples pass."""
    passed = next((one for one in reversed(rounds) if one.problem == "" and one.files), None)
    if passed is None or passed.files is None:
        return ()
    try:
        manifest = packages.read(orjson.loads(passed.files)).manifest
    except CcbError:  # written under another version's rules
        return ()
    return [*_granted(manifest), (T("samples that pass"), [str(len(samples_of(passed.report)))])]


def _granted(manifest: Manifest) -> Iterator[tuple[Text, Sequence[str]]]:
    for name, title in LISTS:
        values: Sequence[str | FromConfig] = getattr(manifest.capabilities, name)
        if values:
            yield title, [f"config.{one.key}" if isinstance(one, FromConfig) else one for one in values]
    if manifest.required:
        yield T("needs"), manifest.required


async def _spent(ctx: Context, asked: Asked, rounds: int) -> Text | None:
    if not rounds:
        return None
    cost = await budgets.cost_of(ctx, asked)
    return TN("{count} round, {cost}", "{count} rounds, {cost}", rounds, cost=cost)


def _error(asked: Asked) -> str:
    return str((asked.error_details or {}).get("error", ""))


def _asks_for_change(asked: Asked) -> bool:
    """Say whether to begin again with the same words leads to the same."""
    return _error(asked) in (INSUFFICIENT, _CONFLICT)
