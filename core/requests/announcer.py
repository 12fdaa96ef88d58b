"""The message in Slack that follows a request: posted once, edited as the request moves, its steps in its thread.

Whoever claims a message brings it to what the rows say at that moment; what changes meanwhile is told the next time. A
message that a crash may have left posted is looked for by its key before another one would be posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

from core.context import Context, SlackPlace, SlackPort
from core.errors import CcbError, NotConfigured, Upstream
from core.request_message import Steps
from core.requests import message
from core.requests.claiming import IDLE_SECONDS, Claimer
from core.requests.model import Line, parsed
from core.texts import T
from storage import request_messages as rows
from storage import requests
from storage.request_messages import RequestMessage

log = structlog.get_logger()

LEASE_SECONDS = 180.0
"""Longer than the longest that one telling can take: a few calls of at most 30 s."""
EDIT_SECONDS = 1.0
"""Between two edits of a message, and two posts to a channel (https://docs.slack.dev/apis/web-api/rate-limits)."""
FIRST_WAIT, LONGEST_WAIT = 5.0, 600.0
UNCONFIGURED_SECONDS = 300.0
MOST_STEPS = 10
"""Lines of the log in one answer in the thread."""
_CLOSED = frozenset({"not_in_channel", "channel_not_found", "is_archived", "restricted_action", "user_not_in_channel"})
"""What keeps a message out of a channel for good, as far as the bot can see: whoever asked is written to instead."""


@dataclass(frozen=True)
class _Telling:
    """A message that this process has claimed, and what to tell it with."""

    ctx: Context
    slack: SlackPort
    kept: RequestMessage

    async def put(self, *, release: bool = False, **values: Any) -> None:
        """Write how far it has come."""
        assert self.kept.lease_token is not None
        await self.ctx.db.write(rows.put, self.kept.request_id, self.kept.lease_token, values, release=release)


class Announcer(Claimer[_Telling]):
    """Tells until it is stopped. One per process."""

    async def _claim(self) -> _Telling | None:
        if self._ctx.slack is None:
            return None
        now = self._ctx.clock.now()
        kept = await self._ctx.db.write(rows.claim, now, now + LEASE_SECONDS)
        return None if kept is None else _Telling(self._ctx, self._ctx.slack, kept)

    async def _work(self, held: _Telling) -> None:
        await tell(held)

    async def _give_back(self, held: _Telling) -> None:
        await held.put(release=True)

    def _id(self, held: _Telling) -> str:
        return held.kept.request_id

    async def _idle(self) -> None:
        """Wait until the next edit may be made: most wait for a second only."""
        try:
            soonest = await self._ctx.db.read(rows.soonest)
        except Exception:  # as for a claim: the database may be away for a moment
            log.exception("messages not looked at")
            soonest = None
        wait = IDLE_SECONDS if soonest is None else soonest - self._ctx.clock.now()
        await self._woken_within(min(IDLE_SECONDS, max(0.05, wait)) if wait > 0 else IDLE_SECONDS)


async def thread_of(ctx: Context, integration_id: str, channel: str | None) -> SlackPlace | None:
    """Return the thread of the message in `channel` that follows a request which this integration came of."""
    for row in await ctx.db.read(requests.of_integration, integration_id):
        kept = await ctx.db.read(rows.of, row.id)
        if kept is not None and kept.ts is not None and kept.channel == channel and not kept.is_gone:
            return SlackPlace(kept.channel, kept.thread or kept.ts)
    return None


async def tell(telling: _Telling) -> None:
    """Bring one message up to date; what fails is tried again later."""
    kept = telling.kept
    try:
        if await _brought_up(telling):
            await telling.put(told=kept.wanted, tries=0, not_before=_after_a_second(telling), release=True)
        else:
            await telling.put(tries=0, not_before=_after_a_second(telling), release=True)
    except NotConfigured as error:
        await _later(telling, error, UNCONFIGURED_SECONDS)
    except Upstream as error:
        await _failed(telling, error)
    except CcbError as error:
        await _later(telling, error, LONGEST_WAIT)


async def _brought_up(telling: _Telling) -> bool:
    """Post or edit the message, then tell the steps; return False where there is more, a second later."""
    ctx, slack, kept = telling.ctx, telling.slack, telling.kept
    row = await ctx.db.read(requests.get, kept.request_id)
    assert row is not None  # the message goes with its request
    said = await message.build(ctx, parsed(row), asker=kept.asker, language=kept.language)
    if kept.ts is None:
        await telling.put(posting=True)  # from here on it may be there
        place = await slack.tell_request(
            channel=kept.channel, request=said, key=_key(kept), repeated=kept.posting, thread_ts=kept.thread
        )
        await telling.put(channel=place.channel, ts=place.ts, posting=False)
        return False
    await slack.update_request(SlackPlace(kept.channel, kept.ts), request=said)
    return await _steps(telling, SlackPlace(kept.channel, kept.thread or kept.ts))


async def _steps(telling: _Telling, thread: SlackPlace) -> bool:
    """Tell the next lines of the log, each once; return whether that were all."""
    ctx, kept = telling.ctx, telling.kept
    lines = await ctx.db.read(requests.log_after, kept.request_id, kept.line, MOST_STEPS)
    if kept.telling_line is not None:
        lines = [line for line in lines if (line.id or 0) <= kept.telling_line]
    if not lines:
        return True
    last = lines[-1].id
    await telling.put(telling_line=last)  # from here on they may be there
    steps = Steps(kept.language, [message.step(line) for line in lines])
    repeated = kept.telling_line is not None
    await telling.slack.tell_steps(thread, steps=steps, key=f"{_key(kept)}:{last}", repeated=repeated)
    await telling.put(line=last, telling_line=None)
    return len(lines) < MOST_STEPS and not repeated


async def _failed(telling: _Telling, error: Upstream) -> None:
    """Wait as Slack says; go to whoever asked where the channel is closed; give up a message that is deleted."""
    ctx, kept, code = telling.ctx, telling.kept, error.details.get("slack_error")
    assert kept.lease_token is not None
    if code == "message_not_found":
        await ctx.db.write(rows.drop, kept.request_id, kept.lease_token)
        log.info("message of a request was deleted", request=kept.request_id)
    elif kept.ts is None and code in _CLOSED and kept.channel != kept.asker:
        told = T("The message cannot stand in the channel, so it stands here: {reason}", reason=error.message)
        line = Line("tell", told, "warning").row(ctx.clock.now())
        await ctx.db.write(requests.note, kept.request_id, line)
        await telling.put(channel=kept.asker, thread=None, posting=False, release=True)
    else:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(kept.tries, 20))
        await _later(telling, error, wait if error.retry_after is None else max(EDIT_SECONDS, error.retry_after))


async def _later(telling: _Telling, error: CcbError, wait: float) -> None:
    kept = telling.kept
    log.warning("message of a request not told", request=kept.request_id, reason=str(error), again_in=round(wait))
    await telling.put(tries=kept.tries + 1, not_before=telling.ctx.clock.now() + wait, release=True)


def _key(kept: RequestMessage) -> str:
    return f"request:{kept.request_id}"


def _after_a_second(telling: _Telling) -> float:
    return telling.ctx.clock.now() + EDIT_SECONDS
