"""The story: from an issue to a pull request to a live event, each step as it really happens on the stage."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, TypeVar

import orjson

from core import packages
from core.demo.moments import Fact, Happened, Moment, Traced, UnderWay
from core.demo.recording import NOTHING_MORE, Recording, load
from core.demo.stage import REPOSITORY, Refused, Stage
from core.generation.money import dollars
from core.requests import service, words
from core.requests.model import Asked
from core.texts import TN, T, Text, revive
from storage.requests import RequestLogLine

LABEL = "integration-request"
ASKER, REVIEWER = "dev", "octocat"
"""Who asks, and who merges: both may write."""
CHANNEL = "#deploys"
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.05
_STEPS, _STEPS_OF_A_ROUND = 12, 2
"""What happens when Claude needs one round, and with each further one."""
Pause = Callable[[float], Awaitable[None]]


Found = TypeVar("Found")


class _Lines(Protocol):
    """Waits for the request's next line of a step."""

    async def __call__(self, step: str) -> RequestLogLine: ...


def length(language: str) -> int:
    """Return how many moments of the story are something that happened."""
    return _STEPS + _STEPS_OF_A_ROUND * (len(load(language).rounds) - 1)


async def play(stage: Stage, *, pause: Pause) -> AsyncIterator[Moment]:
    """Tell the story on a stage on which nothing has happened yet.

    `pause(seconds)` is awaited where somebody who reads along needs time. Raises `Refused` when a step goes wrong.
    """
    recording = load(stage.language)
    # Whoever looks on may ask for something of their own meanwhile: the recorded answers are not for them.
    stage.claude.answers, stage.claude.elsewise = list(recording.answers()), NOTHING_MORE
    stage.claude.meant = recording.is_asked_in
    stage.claude.held = asyncio.Event()
    async for moment in _asked(stage, recording, pause):
        yield moment
    asked = await _request(stage)
    lines = _follow(stage, asked)
    async for moment in _written(stage, asked, lines, pause):
        yield moment
    async for moment in _merged(stage, lines, pause):
        yield moment
    async for moment in _configured(stage, asked, pause):
        yield moment
    async for moment in _live(stage, asked, recording, pause):
        yield moment


async def _asked(stage: Stage, recording: Recording, pause: Pause) -> AsyncIterator[Moment]:
    yield UnderWay("set_up", T("The repository {repository} is made ready", repository=REPOSITORY))
    made = await stage.ask("POST", "/v1/github/setup", {})
    await pause(1)
    failed = [step for step in made["steps"] if step["outcome"] == "failed"]
    if failed:
        raise Refused(T("{step}: {reason}", step=failed[0]["name"], reason=failed[0]["detail"]))
    yield Happened(
        "set_up",
        T("{repository} is ready: labels, issue forms, a webhook", repository=REPOSITORY),
        command=f"ccb github setup {REPOSITORY}",
    )
    yield UnderWay("issue", T("{name} fills in the issue form", name=ASKER))
    await pause(2)
    issue = stage.github.open_issue(REPOSITORY, recording.title, recording.body, [LABEL], as_user=ASKER)
    told = T("{name} opens issue #{number}: {title}", name=ASKER, number=issue["number"], title=recording.title)
    yield Happened("issue", told, facts=list(recording.fields.items()), link=issue["html_url"])


async def _written(stage: Stage, asked: Asked, lines: _Lines, pause: Pause) -> AsyncIterator[Moment]:
    yield UnderWay("understood", T("The request is read"))
    line = await lines("check")
    await pause(2)
    yield Happened("understood", T("Understood"), facts=[("", _said(stage, line))])
    async for moment in _rounds(stage, asked, lines, pause):
        yield moment
    yield UnderWay("published", T("The pull request is opened"))
    await lines("publish")
    await pause(1)
    yield await _published(stage, asked)


async def _rounds(stage: Stage, asked: Asked, lines: _Lines, pause: Pause) -> AsyncIterator[Moment]:
    """Let Claude write until the samples pass; what it writes waits until it was said that it is recorded."""
    passed, number = False, 0
    while not passed:
        number += 1
        yield UnderWay("write", T("Claude writes the integration (a recorded answer)"))
        await pause(4)
        await _answered(stage, asked, number)
        line = await lines("write")
        recorded = T("A recorded answer: about what Claude would have cost.")
        yield Happened("write", _said(stage, line), facts=[("", recorded)])
        yield UnderWay("tested", T("Its code and its samples are tested in the sandbox"))
        line = await lines("verify")
        await pause(2)
        passed = line.level == "info"
        if passed:
            yield Happened("tested", _said(stage, line), facts=await _samples(stage, asked))
        else:
            problem = str(orjson.loads(line.fields)["problem"])
            told = T("Round {round} is refused, and goes back to Claude with the exact error", round=_round(line))
            yield Happened("refused", told, outcome="refused", quote=problem)
            await pause(3)
    stage.claude.held = None


async def _answered(stage: Stage, asked: Asked, number: int) -> None:
    """Let Claude's answer go once it was asked so many times, and hold the next one back."""

    async def look() -> asyncio.Event | None:
        now = await service.find(stage.engine.ctx, asked.id)
        if now.row.status == "failed":
            raise Refused(words.problem(now) or words.stands(now))
        return stage.claude.held if len(stage.claude.asked) >= number else None

    waiting = await _until(look, T("the question to Claude"))
    stage.claude.held = asyncio.Event()
    waiting.set()


def _round(line: RequestLogLine) -> int:
    return int(orjson.loads(line.fields)["round"])


async def _samples(stage: Stage, asked: Asked) -> list[Fact]:
    shown = await stage.ask("GET", f"/v1/requests/{asked.id}")
    return [("", _sample(sample)) for sample in shown["rounds"][-1]["samples"]]


def _sample(sample: Any) -> Text:
    what = TN("{count} action", "{count} actions", len(sample["actions"]))
    return T("{name}: {what}", name=sample["name"], what=what)


async def _published(stage: Stage, asked: Asked) -> Moment:
    written = await service.rounds(stage.engine.ctx, asked)
    files = written[-1].files
    assert files is not None
    manifest = packages.read(orjson.loads(files)).manifest
    pull = (await stage.ask("GET", f"/v1/integrations/{asked.id}"))["pull_request"]
    channels = ", ".join(
        f"config.{one.key}" if not isinstance(one, str) else one for one in manifest.capabilities.channels
    )
    cost = TN(
        "{count} round, {cost}",
        "{count} rounds, {cost}",
        len(written),
        cost=dollars(sum(r.cost for r in written)),
    )
    facts: list[Fact] = [
        (T("may do"), ", ".join(manifest.capabilities.actions)),
        (T("may post to"), channels),
        (T("needs in its configuration"), ", ".join(manifest.required)),
        (T("cost"), T("{cost} (recorded)", cost=cost)),
    ]
    told = T("Pull request #{number} is open, with what it may do and what its samples gave", number=pull["number"])
    return Happened("published", told, facts=facts, link=pull["url"])


async def _merged(stage: Stage, lines: _Lines, pause: Pause) -> AsyncIterator[Moment]:
    [number] = stage.github.repositories[REPOSITORY].pulls
    yield UnderWay("merged", T("{name} reviews it", name=REVIEWER))
    await pause(4)
    stage.github.merge(REPOSITORY, number, as_user=REVIEWER)
    line = await lines("install")
    await pause(1)
    yield Happened(
        "merged", T("{name} merges #{number}", name=REVIEWER, number=number), facts=[("", _said(stage, line))]
    )


async def _configured(stage: Stage, asked: Asked, pause: Pause) -> AsyncIterator[Moment]:
    place, slug = f"/v1/integrations/{asked.id}", (await service.find(stage.engine.ctx, asked.id)).row.slug
    yield UnderWay("configured", T("It is told its channel and what Sentry signs with"))
    await stage.ask("PATCH", f"{place}/config", {"channel": CHANNEL})
    await stage.ask("PATCH", f"{place}/webhook-secret", {"secret": secrets.token_hex(20)})
    await pause(2)
    yield Happened(
        "configured",
        T("Configured: its channel, and what Sentry signs with"),
        command=f"ccb config {slug} channel={CHANNEL} webhook_secret=…",
    )
    yield UnderWay("active", T("It is switched on"))
    shown = await stage.ask("POST", f"{place}/activate", {})
    await _told(stage, asked)
    await pause(1)
    yield Happened("active", T("{name} is active", name=shown["name"]), command=f"ccb activate {slug}")


async def _told(stage: Stage, asked: Asked) -> None:
    """Wait until the issue says how it stands, and the engine has heard of that: what comes now is the newest event."""

    async def look() -> bool | None:
        return (await service.find(stage.engine.ctx, asked.id)).row.tell_at is None or None

    await _until(look, T("the comment on the issue"))
    await stage.github.hooks.settled()


async def _live(stage: Stage, asked: Asked, recording: Recording, pause: Pause) -> AsyncIterator[Moment]:
    yield UnderWay("delivered", T("Sentry finds an error"))
    await pause(2)
    event_id = await _deliver(stage, asked, recording)
    title = recording.delivery["data"]["issue"]["title"]
    yield Happened("delivered", T("Sentry sends a signed event"), quote=title)
    yield UnderWay("trace", T("The integration handles it"))
    event = await _until(lambda: _ended(stage, event_id), T("the event {id}", id=event_id))
    await pause(1)
    yield Traced("trace", event, await stage.ask("GET", f"/v1/events/{event_id}/steps"))
    if event["status"] != "succeeded":
        raise Refused(T("The event {id} has not succeeded: {status}.", id=event_id, status=event["status"]))
    yield UnderWay("arrived", T("Slack shows it"))
    await pause(1)
    [text, *_] = await stage.slack_texts(CHANNEL)
    yield Happened("arrived", T("A message is in {channel} of the stand-in Slack", channel=CHANNEL), quote=text)


async def _deliver(stage: Stage, asked: Asked, recording: Recording) -> str:
    """Send what the service would send, signed as it signs; return the event's id."""
    wish = {"payload": recording.delivery, "type": "issue.created", "delivery_id": f"demo-{secrets.token_hex(6)}"}
    signed = await stage.ask("POST", f"/v1/integrations/{asked.id}/sign", wish)
    body = base64.b64decode(signed["body"])
    async with stage.public.post(signed["local_url"], data=body, headers=signed["headers"]) as answer:
        said = await answer.json()
        if answer.status != 202:
            raise Refused(T("{told}", told=said.get("message", answer.status)))
        return str(said["event_id"])


async def _ended(stage: Stage, event_id: str) -> Any:
    event = await stage.ask("GET", f"/v1/events/{event_id}")
    return event if event["status"] in ("succeeded", "failed", "dead", "skipped") else None


async def _request(stage: Stage) -> Asked:
    """Wait until the engine has heard of the issue."""
    return await _until(lambda: service.of_issue(stage.engine.ctx, REPOSITORY, 1), T("the issue"))


def _follow(stage: Stage, asked: Asked) -> _Lines:
    """Return what waits for the request's next line of a step; a line of failure ends the story."""
    seen = 0

    async def following(step: str) -> RequestLogLine:
        nonlocal seen

        async def look() -> RequestLogLine | None:
            nonlocal seen
            lines = list(await service.log(stage.engine.ctx, asked))
            while seen < len(lines):
                line = lines[seen]
                seen += 1
                if line.level == "error":
                    raise Refused(T("{told}", told=_said(stage, line)))
                if line.step == step:
                    return line
            return None

        return await _until(look, T("the step `{step}` of the request", step=step))

    return following


async def _until(look: Callable[[], Awaitable[Found | None]], what: Text) -> Found:
    """Look again and again until there is something; raise `Refused` when there is nothing for too long."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await look()
            while found is None:
                await asyncio.sleep(LOOK_SECONDS)
                found = await look()
    except TimeoutError:
        raise Refused(
            T("Nothing came of {what} within {seconds} s. Run it again; standard error may say why.",
              what=what, seconds=round(PATIENCE_SECONDS))
        ) from None  # fmt: skip
    return found


def _said(stage: Stage, line: RequestLogLine) -> str:
    return revive(line.message, stage.language)
