"""A job as one message in the channel; `chatbot.job_messages` edits it until the job has ended."""

from __future__ import annotations

from dataclasses import replace

import orjson

from chatbot import answers, blocks
from chatbot.asked import Asked, Place, Reply
from chatbot.dispatch import run_button
from core import integrations, jobs
from core.context import Context
from core.errors import NotFound
from core.events import queue_status
from core.texts import TN, T, Text, revive
from storage.jobs import Job

_STEPS = 10


async def begun(ctx: Context, asked: Asked, job: Job) -> None:
    """Say in the channel that a job has begun, and let that message follow it until it has ended."""
    if asked.channel is None:
        opened = await asked.slack.conversations_open(users=asked.user)
        asked = replace(asked, channel=str(opened["channel"]["id"]))
    ts = await answers.deliver(asked, await message(ctx, asked, job, to="channel"))
    if ts is not None:  # else the bot is not in that channel and can edit nothing there: the button looks again
        where = {"door": "slack", "channel": asked.channel or "", "ts": ts, "user": asked.user}
        await jobs.tell(ctx, job.id, where)


async def message(ctx: Context, asked: Asked, job: Job, *, to: Place) -> Reply:
    """Return how a job stands, with what can be done about it."""
    try:
        name, slug = await _named(ctx, job)
    except NotFound:
        name, slug = "–", ""
    lines = [f"{asked.say(_state(job))} · *{asked.say(_what(job))}* · {blocks.plain(name)}", *_how_far(asked, job)]
    held = orjson.loads(job.error) if job.error else None
    if held is not None:
        reason = blocks.plain(blocks.cut(revive(held["message"], asked.language), 1_000))
        lines.append(asked.say(T("It waits: {reason}", reason=reason)) if _runs(job) else reason)
    who = asked.say(T("asked for by {who} · {job}", who=blocks.plain(job.created_by), job=blocks.code(job.id)))
    shown = [blocks.section("\n".join(lines)), blocks.context(who), blocks.actions(_buttons(asked, job, slug))]
    return Reply("\n".join([*lines, who]), shown, to=to)


async def _named(ctx: Context, job: Job) -> tuple[str, str]:
    if job.integration_id is None:
        return "–", ""
    installed = await integrations.find(ctx, job.integration_id)
    return installed.name, installed.slug


def _runs(job: Job) -> bool:
    return job.status == "running"


def _state(job: Job) -> Text:
    match job.status:
        case "running":
            return T(":hourglass_flowing_sand: goes on")
        case "succeeded" if job.failed:
            return T(":large_yellow_circle: done, with failures")
        case "succeeded":
            return T(":large_green_circle: done")
        case "cancelled":
            return T(":double_vertical_bar: cancelled")
        case _:
            return T(":red_circle: the job failed")


def _what(job: Job) -> Text:
    match job.kind:
        case "retry":
            return TN("Try {count} event again", "Try {count} events again", job.total)
        case "discard":
            return TN("Discard {count} event", "Discard {count} events", job.total)
        case "heal":
            return TN("Ask GitHub for {count} delivery again", "Ask GitHub for {count} deliveries again", job.total)
        case _:
            return TN("Run {count} event again", "Run {count} events again", job.total)


def _how_far(asked: Asked, job: Job) -> list[str]:
    progress = jobs.progress(job)
    total = max(job.total, progress.done)
    filled = _STEPS if not total else _STEPS * progress.done // total
    counts = [T("{done} of {total}", done=progress.done, total=total)]
    for count, said in (
        (job.succeeded, TN("{count} succeeded", "{count} succeeded", job.succeeded)),
        (job.failed, TN("{count} failed", "{count} failed", job.failed)),
        (job.skipped, TN("{count} skipped", "{count} skipped", job.skipped)),
    ):
        if count:
            counts.append(said)
    line = " · ".join(asked.say(part) for part in counts)
    if _runs(job):
        line = f"{'▸' * filled}{'▹' * (_STEPS - filled)}  {line}"
    if progress.eta_seconds and progress.eta_seconds >= 1:
        line += " · " + asked.say(T("about {time} left", time=queue_status.age(progress.eta_seconds)))
    return [line]


def _buttons(asked: Asked, job: Job, slug: str) -> list[blocks.Element]:
    if _runs(job):
        asks = blocks.confirm(
            asked.say(T("Cancel this job?")),
            asked.say(T("What has not begun stays as it was; what runs comes to its end; what is done stays done.")),
            asked.say(T("Cancel the job")),
            asked.say(T("Let it go on")),
        )
        cancel = blocks.button(asked.say(T("Cancel the job")), "job_cancel", job.id, style="danger", confirm=asks)
        return [cancel, blocks.button(asked.say(T("Look again")), "job_look", job.id)]
    made = []
    if slug and job.failed and job.kind != "heal":
        made.append(run_button(asked, asked.say(T("Show dead events")), ("events", slug, "status=dead"), at="dead"))
    if slug and job.kind == "heal":
        made.append(run_button(asked, asked.say(T("Show gaps")), ("gaps", slug), at="gaps"))
    if slug:
        made.append(run_button(asked, asked.say(T("Events")), ("events", slug), at="events"))
    return made or [blocks.button(asked.say(T("Look again")), "job_look", job.id)]
