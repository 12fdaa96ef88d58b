"""`/ccb status`: how the integrations are, and what is wrong, with the button that mends it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chatbot import blocks, mending, request_blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, find, register
from chatbot.dispatch import run_button
from chatbot.states import health as in_words
from chatbot.states import state
from core import health, integrations, listing, status
from core.context import Context
from core.integrations import Installed
from core.requests import message, service
from core.requests.model import Asked as Requested
from core.requests.service import Followed
from core.status import Problem, Report
from core.texts import TN, T

SHOWN = 10
TYPES = 10
"""Event types that are named."""


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show one integration, or all with those in trouble first."""
    if not asked.words:
        return await _overall(ctx, asked)
    found = await listing.find(ctx, asked.words[0])
    if isinstance(found, Requested):
        asker = (await service.followed(ctx, found) or Followed("", "")).asker
        card = request_blocks.rendered(await message.build(ctx, found, asker=asker, language=asked.language))
        return Reply(card["text"], card["blocks"])
    return _one(ctx, asked, await status.report(ctx, found))


async def _overall(ctx: Context, asked: Asked) -> Reply:
    engine = await health.report(ctx)
    newest, count = await listing.newest(ctx, 2 * SHOWN)
    reports = await asyncio.gather(*(status.report(ctx, one.installed) for one in newest))
    reports = sorted(reports, key=lambda report: (report.healthy, not report.problems))
    sick = sum(1 for report in reports if not report.healthy)
    said = [
        asked.say(T("The engine: {state}", state=in_words(engine.status))),
        asked.say(TN("{count} integration", "{count} integrations", count))
        + (" · " + asked.say(TN("{count} needs attention", "{count} need attention", sick)) if sick else ""),
    ]
    how = asked.say(T("Details"))
    rows = [
        blocks.section(
            _row(asked, one), accessory=run_button(asked, how, ("status", one.installed.slug), at=str(number))
        )
        for number, one in enumerate(reports[:SHOWN])
    ]
    more = (
        [blocks.context(asked.say(T("All of them: {command}", command="`ccb integrations`")))] if count > SHOWN else []
    )
    buttons = [run_button(asked, asked.say(T("Engine's health")), ("health",), at="health")]
    text = "\n".join([*said, *(_row(asked, one) for one in reports[:SHOWN])])
    return Reply(text, [blocks.section("\n".join(said)), *rows, *more, blocks.actions(buttons)])


def _row(asked: Asked, report: Report) -> str:
    installed = report.installed
    head = f"*{blocks.plain(installed.name)}* {blocks.code(installed.slug)} · {asked.say(state(installed.status))}"
    return f"{head}\n{blocks.plain(asked.say(report.summary))}"


def _one(ctx: Context, asked: Asked, report: Report) -> Reply:
    snapshot = report.snapshot
    facts = []
    if snapshot.last_activity is not None:
        facts.append(asked.say(T("last event {when}", when=blocks.date(snapshot.last_activity))))
    if report.error_rate is not None:
        facts.append(asked.say(T("{rate} % of the last hour's events failed", rate=f"{report.error_rate:g}")))
    shown = [blocks.section(_row(asked, report)), *([blocks.context(" · ".join(facts))] if facts else [])]
    shown.append(blocks.section(details := _details(ctx, asked, report.installed)))
    for number, problem in enumerate(report.problems):
        shown.append(_problem(asked, report.installed.slug, problem, at=str(number)))
    shown.append(blocks.actions(_next(asked, report.installed.slug)))
    lines = [_row(asked, report), *(asked.say(problem.message) for problem in report.problems), *facts, details]
    return Reply("\n".join(lines), shown)


def _details(ctx: Context, asked: Asked, installed: Installed) -> str:
    """Return what it is: who sends, which events, where to, what runs and where that came from."""
    params, provenance = installed.source_params, installed.provenance
    sent = asked.say(T("From {source}", source=blocks.plain(installed.source.title)))
    types = params.events
    if types:
        shown = ", ".join(blocks.code(one) for one in types[:TYPES])
        sent += f": {shown}" + (" …" if len(types) > TYPES else "")
    address = T("Takes them at {url}", url=blocks.code(integrations.webhook_url(ctx, installed.id)))
    runs = T("Runs {version}", version=blocks.code(installed.version))
    if provenance.get("commit"):
        runs = T("Runs the commit {version}", version=blocks.code(installed.version))
    since = T("installed {when}", when=blocks.date(installed.created_at))
    return "\n".join([sent, asked.say(address), f"{asked.say(runs)} · {asked.say(since)}"])


def _problem(asked: Asked, slug: str, problem: Problem, *, at: str) -> blocks.Block:
    mark = T(":x: *Wrong:*") if problem.severity == "error" else T(":warning: *Look at this:*")
    said = f"{asked.say(mark)} {blocks.plain(asked.say(problem.message))}"
    advice = mending.advice(problem, slug)
    if advice is not None:
        said += f"\n_{blocks.plain(asked.say(advice))}_"
    label, words = mending.press(problem, slug)
    if label is None or find(words[0]) is None:
        return blocks.section(said)
    return blocks.section(said, accessory=run_button(asked, asked.say(label), words, at=f"fix{at}", primary=True))


def _next(asked: Asked, slug: str) -> Sequence[blocks.Element]:
    wanted = (
        (T("Look again"), "status"),
        (T("Events"), "events"),
        (T("Logs"), "logs"),
        (T("Metrics"), "metrics"),
        (T("Gaps"), "gaps"),
        (T("Queue"), "queue"),
        (T("Run events again"), "replay"),
        (T("Configure"), "config"),
    )
    return [
        run_button(asked, asked.say(said), (name, slug), at=name) for said, name in wanted if find(name) is not None
    ]


register(
    Command(
        name="status",
        summary=T("Show how the integrations are, or one of them, and what mends it"),
        run=show,
        permission="integrations.read",
        usage="[integration]",
        aliases=("st",),
        examples=("status", "status github-push-to-slack"),
    )
)
