"""What is to be told leaves here: at least once to every channel, at most one message a second in each.

An item is claimed under a lease, said, and settled. A crash in between says it again: Slack is first searched for the
message's key, an e-mail keeps its Message-ID. Where the database goes away in between, this process writes it later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

import orjson
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import OperationalError

from core import channels
from core.alert_message import plain
from core.alerting.message import message as made
from core.alerting.picture import picture
from core.alerting.plans import channels_of, default_channels
from core.channels import CHANNELS, Channel, Message, Picture, Sent
from core.context import Context
from core.errors import CcbError, Upstream
from core.texts import T, Text, revive
from storage import alert_outbox, alerts
from storage.alert_outbox import AlertMessageRow, Claimed
from storage.alerts import Alert
from storage.away import DatabaseAwayError

log = structlog.get_logger()

LEASE_SECONDS = 60.0
SEND_SECONDS = 45.0
"""How long one attempt may take: less than its lease."""
MOST_NAMED = 5
"""Integrations that a line about some of many names."""
ADD_SECONDS = 14.0
"""How long a picture may keep what is to be said in its message waiting: with `SEND_SECONDS` less than a lease."""
APART = 1.0
"""Seconds between two messages in one channel (https://docs.slack.dev/apis/web-api/rate-limits)."""
FIRST_WAIT = 5.0
LONGEST_WAIT = 900.0
MOST_ATTEMPTS = 20
"""With waits that double from five seconds to a quarter of an hour: about three hours and a half."""
MOST_NAMED = 20
"""Alerts of a group that each one's history names."""
QUIET_KINDS = frozenset({"acknowledged", "snoozed", "no_data", "data_again", "unsnoozed", "replayed", "rule_changed"})
"""What is written into the thread without calling anybody."""


class Dispatcher:
    """Says what is due; one for each scheduler."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._said: dict[str, float] = {}
        """When something was said last, by place."""
        self._bare: list[AlertMessageRow] = []
        """Messages that have arrived without their picture."""
        self._drawing = False
        self._unwritten: list[Callable[[sa.Connection], None]] = []
        """What became of attempts while the database was away."""
        self._edited: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By message: its picture and what is said in it are not put there at the same time."""

    async def run(self) -> int:
        """Say, in each channel, what is due first; return how many messages were tried."""
        await self._write_down()
        now = self._ctx.clock.now()
        self._said = {channel: at for channel, at in self._said.items() if at <= now < at + APART}
        lease_until = now + LEASE_SECONDS
        if not await self._ctx.db.read(alert_outbox.any_due, now, lease_until=lease_until):
            return 0
        short = [name for name in default_channels(self._ctx.settings) if self._place(name) in self._said]
        claimed = await self._ctx.db.write(
            alert_outbox.claim, now, lease_until=lease_until, resting=[*self._said, *short], place=self._place
        )
        await asyncio.gather(*(self._say(one) for one in claimed))
        return len(claimed)

    async def _write_down(self) -> None:
        """Write what could not be written, before anything else is said: else it would be said again."""
        while self._unwritten:
            await self._ctx.db.write(self._unwritten[0])
            del self._unwritten[0]

    def _place(self, address: str) -> str:
        return channels.leads(self._ctx.settings, address)

    async def illustrate(self) -> int:
        """Add the pictures to what `run` has said; return how many were tried.

        Apart from `run`, for drawing takes seconds. Each is tried once: the numbers are in the message already.
        """
        if self._drawing:
            return 0
        bare, self._bare = self._bare, []
        self._drawing = True
        try:
            for message in bare:
                await self._illustrate(message)
        finally:
            self._drawing = False
        return len(bare)

    async def _illustrate(self, told: AlertMessageRow) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                drawn = await picture(self._ctx, await self._ctx.db.read(alerts.of_message, told.id))
            if drawn is not None:
                await self._add(told.id, drawn)
        except (CcbError, TimeoutError) as error:
            log.warning("alert told without its chart", channel=told.channel, reason=str(error))
        except Exception:  # one picture's surprise must not cost the others theirs
            log.exception("alert told without its chart", channel=told.channel)

    async def _add(self, message_id: str, drawn: Picture) -> None:
        """Put a picture into a message, as it is by then."""
        ctx = self._ctx
        async with self._turn(message_id), asyncio.timeout(ADD_SECONDS):
            told = await ctx.db.read(alert_outbox.message, message_id)
            about = await ctx.db.read(alerts.of_message, message_id)
            assert told.place is not None, "it has arrived"
            content = made(message_id, about, now=ctx.clock.now())
            place = await _channel(told.channel).illustrate(ctx, orjson.loads(told.place), drawn, content)
            await ctx.db.write(alert_outbox.move, message_id, orjson.dumps(dict(place)).decode())

    def _turn(self, message_id: str) -> asyncio.Lock:
        return self._edited.setdefault(message_id, asyncio.Lock())

    async def _say(self, claimed: Claimed) -> None:
        ctx = self._ctx
        about = await ctx.db.read(alerts.of_ids, claimed.alert_ids)
        kinds = {item.kind for item in claimed.items}
        if claimed.message.told_at is None and kinds.isdisjoint({"fired", "repeat"}):
            # It was given up before anybody heard of it: that it has ended is no news. That it still fires is.
            await self._settle(claimed, "skipped", T("The message that this belongs to never arrived."))
            return
        if claimed.message.told_at is None and not any(_wants(ctx, alert, claimed) for alert in about):
            await self._settle(claimed, "skipped", T("Its rule no longer names this channel."))
            return
        self._said[self._place(claimed.message.channel)] = ctx.clock.now()
        async with self._turn(claimed.message.id):
            await self._tried(
                replace(claimed, message=await ctx.db.read(alert_outbox.message, claimed.message.id)), about
            )

    async def _tried(self, claimed: Claimed, about: Sequence[Alert]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                sent = await _send(self._ctx, claimed, about)
        except CcbError as error:
            await self._failed(claimed, error)
        except TimeoutError:
            await self._failed(claimed, Upstream(T("No answer within {seconds} s.", seconds=round(SEND_SECONDS))))
        except Exception:  # one message's surprise must not stop the others; it is tried again
            log.exception("alert not told", message=claimed.message.id, channel=claimed.message.channel)
            await self._failed(claimed, Upstream(T("It failed in a way that nobody expected; the log says how.")))
        else:
            await self._settle(claimed, "skipped" if sent.unsaid else "delivered", sent.detail, sent)
            told = claimed.message
            if told.told_at is None and sent.place is not None and _channel(told.channel).illustrates:
                self._bare.append(told)

    async def _failed(self, claimed: Claimed, error: CcbError) -> None:
        permanent = isinstance(error, Upstream) and error.permanent
        attempts = max(item.attempts for item in claimed.items)
        wait = error.retry_after if isinstance(error, Upstream) else None
        if permanent or (attempts >= MOST_ATTEMPTS and wait is None):
            await self._settle(claimed, "dead", error.message)
            return
        growing = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts - 1, 10))
        delay = growing if wait is None else min(max(1.0, wait), alert_outbox.LONGEST_WAIT)
        await self._settle(claimed, None, error.message, retry_in=delay, limited=wait is not None)

    async def _settle(
        self, claimed: Claimed, result: str | None, answer: Text, sent: Sent | None = None, *,
        retry_in: float = 0.0, limited: bool = False,
    ) -> None:  # fmt: skip
        now = self._ctx.clock.now()
        values: dict[str, Any] = {"answer": answer.dump()}
        values |= {"run_at": now + retry_in} if result is None else {"settled_at": now, "result": result}
        entries = [
            {
                "alert_id": alert_id,
                "at": now,
                "kind": result or "attempt_failed",
                "data": orjson.dumps(
                    {
                        "channel": claimed.message.channel,
                        "message": claimed.message.id,
                        "what": sorted({item.kind for item in claimed.items}),
                        "attempt": max((item.attempts for item in claimed.items), default=0),
                        "answer": orjson.loads(answer.dump()),
                        "group": claimed.alert_ids[:MOST_NAMED],
                        "count": len(claimed.alert_ids),
                    }
                ).decode(),
            }
            for alert_id in _concerned(claimed)
        ]
        place = orjson.dumps(dict(sent.place)).decode() if sent is not None and sent.place is not None else None

        def write(connection: sa.Connection) -> None:
            if not alert_outbox.settle(connection, claimed, values, place=place, now=now):
                return
            alerts.note(connection, entries)
            if result != "skipped":
                error = None if result == "delivered" else answer.dump()
                resume = now + retry_in if limited else None
                alert_outbox.mark(connection, claimed.message.channel, now=now, error=error, resume_at=resume)

        try:
            await self._ctx.db.write(write)
        except (DatabaseAwayError, OperationalError) as error:
            log.warning("alert told, and the database is away", message=claimed.message.id, reason=str(error)[:200])
            self._unwritten.append(write)


def _wants(ctx: Context, alert: Alert, claimed: Claimed) -> bool:
    return claimed.message.channel in channels_of(ctx.settings, alert)


def _concerned(claimed: Claimed) -> Sequence[str]:
    """Return the alerts of which a message says something this time."""
    if any(item.kind in ("fired", "repeat") for item in claimed.items):
        return claimed.alert_ids
    return sorted({item.alert_id for item in claimed.items})


def _channel(address: str) -> Channel:
    return CHANNELS.get(channels.parse(address).channel)


def _stories(claimed: Claimed, about: Sequence[Alert], language: str) -> list[str]:
    """Return what has happened, each thing once. Of some of many integrations it says of which."""
    names = {alert.integration_id: alert.integration for alert in about}
    whose = {alert.id: alert.integration_id for alert in about}
    happened: dict[str, set[str]] = {}
    for item in claimed.items:
        if item.story and item.alert_id in whose:
            happened.setdefault(revive(item.story, language), set()).add(whose[item.alert_id])
    return [
        story if len(of) == len(names) else f"{story} ({_listed(sorted(names[one] for one in of))})"
        for story, of in happened.items()
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:MOST_NAMED], *(["…"] if len(names) > MOST_NAMED else [])])


async def _send(ctx: Context, claimed: Claimed, about: Sequence[Alert]) -> Sent:
    language = ctx.settings.language
    content = made(claimed.message.id, about, now=ctx.clock.now())
    stories = _stories(claimed, about, language)
    target = channels.parse(claimed.message.channel)
    last = claimed.items[-1]
    body = plain(content, language)
    channel = CHANNELS.get(target.channel)
    loud = any(item.kind not in QUIET_KINDS for item in claimed.items)
    return await channel.deliver(
        ctx,
        target,
        Message(
            key=claimed.message.id if claimed.message.told_at is None else f"{claimed.message.id}:{last.id}",
            subject=content.title.render(language),
            text="\n\n".join([*stories, body]),
            alert=content,
            story="\n".join(stories),
            loud=loud,
            picture=await picture(ctx, about) if channel.pictures and loud else None,
            again=any(item.kind == "repeat" for item in claimed.items),
            place=orjson.loads(claimed.message.place) if claimed.message.place is not None else None,
            repeated=max(item.attempts for item in claimed.items) > 1,
        ),
    )
