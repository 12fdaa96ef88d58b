"""The stages of a request, each of which can be done again after a crash: what it did is found, not done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson

from core import packages
from core.context import Context
from core.errors import CcbError, Invalid, Unavailable
from core.generation import prompt
from core.generation.money import cost, dollars
from core.generation.template import missing
from core.manifest import problem as wrong
from core.requests import budgets
from core.requests import fields as template
from core.requests.model import Asked, Line, Next, Stage, details_of, prices
from core.requests.publishing import install, publish
from core.texts import TN, T, Text, revive, revive_text
from storage import requests as rows
from storage.requests import Round

if TYPE_CHECKING:
    from core.generation.author import Answer

_LONGEST_HEADLINE = 500
"""Characters of a problem's first line in the log."""


async def check(ctx: Context, asked: Asked) -> Next:
    """Look whether the request says enough, and whether the runtime can give what it needs."""
    absent = missing(asked.fields)
    if absent:
        raise template.insufficient(absent)
    if found := template.conflicts(asked.fields.get("dependencies", "")):
        raise template.conflicting(found)
    row = asked.row
    if row.issue is not None and row.approved_hash != row.body_hash:
        waits = T(
            "The request is complete. It waits for somebody with write access: label it, or comment /ccb approve."
        )
        return Next("requested", "", (Line("check", waits),))
    return Next("generating", "write", (Line("check", T("The request is complete.")),))


async def write(ctx: Context, asked: Asked) -> Next:
    """Ask Claude for the package, if the budgets allow it."""
    # Its library takes seconds to import where much is going on: no start should wait for it, nor the loop, on which
    # this request's own lease is renewed.
    await asyncio.to_thread(import_module, "core.generation.author")
    from core.generation import author

    earlier = await ctx.db.read(rows.rounds, asked.id)
    before = [one for one in earlier if one.version == asked.row.version]
    if before and before[-1].problem is None:  # a crash came after the answer was kept
        return Next("generating", "verify")
    system = prompt.system(asked.fields)
    turns = _turns(asked, before, _published(asked, earlier))
    counted = await author.count(ctx.settings, system=system, turns=turns)
    async with budgets.paying(ctx, asked, counted) as paid:
        answer = await author.write(
            ctx.settings,
            system=system,
            turns=turns,
            max_tokens=paid.longest,
            heard=paid.heard,
            quotas=ctx.quotas,
        )
    return _written(ctx, asked, answer, max((one.round for one in earlier), default=0) + 1)


def _written(ctx: Context, asked: Asked, answer: Answer, number: int) -> Next:
    """Return what an answer leads to, as the round `number`: they count on through everything that begins them anew."""
    spent, tokens = cost(answer.usage, prices(ctx)), answer.usage.tokens()
    kept: dict[str, Any] = {
        "request_id": asked.id,
        "version": asked.row.version,
        "round": number,
        "at": ctx.clock.now(),
        "model": answer.model,
        "text": answer.text,
        "files": orjson.dumps(answer.draft.files()).decode() if answer.draft else None,
        "notes": answer.draft.notes if answer.draft else "",
        "problem": answer.problem.dump() if answer.problem else None,
        "tokens": orjson.dumps(tokens).decode(),
        "cost": spent,
    }
    line = Line(
        "write",
        T("Claude wrote round {round} ({cost}).", round=number, cost=dollars(spent)),
        fields={"round": number, "cost_usd": round(spent, 4), "model": answer.model, **tokens},
    )
    if answer.refused:
        refused = Invalid(answer.problem or T("Claude declined."), error="Claude declined")
        details = details_of(refused)
        told = Line("write", refused.message, "error")
        return Next("failed", "", (line, told), error_details=details, round_=kept)
    return Next("generating", "verify", (line,), round_=kept)


async def verify(ctx: Context, asked: Asked) -> Next:
    """Check the package as a machine would that trusts nobody; hand it back with the exact error, or let it through."""
    known = await ctx.db.read(rows.rounds, asked.id, asked.row.version)
    last = known[-1]
    if last.problem is None:
        problem, report = await _verified(ctx, asked, last)
    else:
        problem, report = revive_text(last.problem) if last.problem else None, last.report
    kept = {**last.model_dump(), "problem": problem.dump() if problem else "", "report": report}
    if not problem:
        samples = len(orjson.loads(report or "{}").get("samples", []))
        passed = TN("{count} sample gives what it should.", "{count} samples give what they should.", samples)
        return Next("generating", "publish", (Line("verify", passed, fields={"round": last.round}),), round_=kept)
    first = problem.headline(_LONGEST_HEADLINE)
    line = Line(
        "verify", T("Round {round} was refused: {problem}", round=last.round, problem=first), "warning",
        {"round": last.round, "problem": str(problem)},
    )  # fmt: skip
    if len(known) >= ctx.settings.claude_rounds:
        failed = Invalid(
            T("After {rounds} rounds the package still does not pass: {problem}", rounds=len(known), problem=first),
            error="Generation failed",
        )
        told = Line("verify", failed.message, "error")
        return Next("failed", "", (line, told), error_details=details_of(failed), round_=kept)
    return Next("generating", "write", (line,), round_=kept)


async def _verified(ctx: Context, asked: Asked, last: Round) -> tuple[Text | None, str | None]:
    """Return what is wrong with a round's package, if anything is, and the samples' results."""
    assert last.files is not None
    try:
        package = packages.read(orjson.loads(last.files))
        if asked.row.pull_state == "open" and package.manifest.slug != asked.row.slug:
            raise wrong("slug", T("it is published as {slug}: keep that", slug=asked.row.slug))
        if found := template.conflicts("\n".join(package.manifest.dependencies)):
            raise wrong("dependencies", template.listed(found))
        report = await packages.verify(package, sandbox=ctx.sandbox)
    except Unavailable:
        raise  # the sandbox is busy: nothing about the package
    except CcbError as error:
        return error.message, None
    samples = [
        {"name": run.name, "type": run.event_type, "actions": run.actions, "ms": round(run.seconds * 1e3, 2)}
        for run in report.samples
    ]
    return None, orjson.dumps({"samples": samples, "digest": package.digest}).decode()


def _published(asked: Asked, earlier: list[Round]) -> Round | None:
    """Return the round that reviewers have seen, where the work is on what they wish of it."""
    if not asked.wishes:
        return None
    return next((one for one in reversed(earlier) if one.version < asked.row.version and one.problem == ""), None)


def _turns(asked: Asked, before: list[Round], published: Round | None) -> list[dict[str, str]]:
    """Return the conversation: the request, what was published of it and the wishes since, and what was refused."""
    if published is None:
        turns = [{"role": "user", "content": prompt.first(asked.fields, asked.wishes)}]
    else:
        turns = [
            {"role": "user", "content": prompt.first(asked.fields)},
            {"role": "assistant", "content": published.text},
            {"role": "user", "content": prompt.revise(asked.wishes)},
        ]
    for one in before:
        turns.append({"role": "assistant", "content": one.text or "(nothing)"})
        turns.append({"role": "user", "content": prompt.repair(revive(one.problem) if one.problem else "")})
    return turns


STAGES: Mapping[Stage, Callable[[Context, Asked], Awaitable[Next]]] = {
    "check": check,
    "write": write,
    "verify": verify,
    "publish": publish,
    "install": install,
}
