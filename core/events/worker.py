"""The worker: claims what is due, works on many events at a time, and gives back what it cannot finish."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import orjson
import structlog

from core import integrations
from core.config import MAX_BODY
from core.context import Context
from core.errors import CcbError
from core.events.own import OwnAttempt
from core.events.pipeline import Attempt, LeaseLostError
from core.texts import T, Text
from storage import queue
from storage.away import DatabaseAwayError
from storage.integrations import OWN
from storage.queue import Claim, Claimed, Ending, Progress

log = structlog.get_logger()

IDLE_SECONDS = 5.0
"""How long a worker that was not woken waits before it looks by itself; the wake-ups only make it sooner."""


PAUSE_SECONDS = 0.005
"""Between two claims while there is work, so that one claim fills the places of several events that have ended."""
MOST_PAUSES = 4
"""How many in a row, while less than a quarter of the places is free: a claim of one costs as much as one of ten."""
MOST_BYTES = 64 << 20
"""Bodies that one worker has in memory at a time, but for one event that is larger alone."""


UNREADABLE_SECONDS = 60.0
"""After how long to look again at an event whose integration cannot be read."""

AWAY = T("The database did not answer in the middle of this attempt.")


class Worker:
    """Works on events until it is stopped. One per process."""

    def __init__(self, ctx: Context, wake: asyncio.Event) -> None:
        """`wake` is set whenever there may be something to do."""
        self._ctx = ctx
        self._wake = wake
        self._slots = ctx.settings.worker_slots
        self._held: dict[asyncio.Task[None], Claimed] = {}
        self._after = ""
        self._full = False
        """Whether there may be more to claim as soon as something in hand has ended."""
        self._stopping = False
        self._renewing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Claim and work until `stop`."""
        self._renewing = asyncio.create_task(self._renew(), name="renew-leases")
        while not self._stopping:
            self._wake.clear()
            claimed = await self._claim()
            if self._stopping:
                await self._give_back(claimed)
                return
            for event in claimed:
                task = asyncio.create_task(self._work(event), name=f"work-{event.id}")
                self._held[task] = event
                task.add_done_callback(self._done)
            if claimed:
                await self._pause()
            else:
                await _set_within(self._wake, IDLE_SECONDS)

    async def _pause(self) -> None:
        """Let some places become free."""
        for _ in range(MOST_PAUSES):
            await asyncio.sleep(PAUSE_SECONDS)
            if self._stopping or 4 * (self._slots - len(self._held)) >= self._slots:
                return

    async def stop(self, *, grace: float) -> None:
        """Stop claiming, give what is in hand `grace` seconds to finish, and the rest back to the queue."""
        self._stopping = True
        self._wake.set()
        if self._held:
            await asyncio.wait(list(self._held), timeout=grace)
        unfinished = list(self._held)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        if self._renewing is not None:  # to the very end: what is in hand must not be reaped meanwhile
            self._renewing.cancel()

    async def _give_back(self, claimed: Sequence[Claimed]) -> None:
        """Return what was claimed while the stop began; nothing of it has been begun."""
        now = self._ctx.clock.now()
        ending = Ending("queued", now, run_at=now, counted=False)
        progress = (Progress(e.id, e.token, now, ending=ending) for e in claimed)
        returned = await asyncio.gather(
            *(self._ctx.db.submit(queue.advance, p) for p in progress), return_exceptions=True
        )
        for event, error in zip(claimed, returned, strict=True):
            if isinstance(error, BaseException):  # whoever reaps its lease takes it up
                log.warning("event not given back", event_id=event.id, exc_info=error)

    @property
    def in_flight(self) -> int:
        """How many events it holds."""
        return len(self._held)

    async def _claim(self) -> list[Claimed]:
        free = self._slots - len(self._held)
        spare = MOST_BYTES - sum(len(event.body) for event in self._held.values())
        self._full = True
        if free <= 0 or spare <= 0:
            return []
        most = max(1, self._slots * 3 // 4)  # so that no integration, however slow, takes every slot
        busy = Counter(event.integration_id for event in self._held.values())
        now = self._ctx.clock.now()
        wish = Claim(
            now=now,
            lease_until=now + self._ctx.settings.lease_seconds,
            limit=free,
            most_bytes=spare,
            room_each=most,
            room={integration_id: max(0, most - count) for integration_id, count in busy.items()},
            after=self._after,
        )
        try:
            claimed = await self._ctx.db.write(queue.claim, wish)
        except Exception:  # the loop must outlive a database that is away for a moment
            log.exception("claim failed")
            await asyncio.sleep(1)  # the database is away: ask again in a second
            return []
        if claimed:
            self._after = claimed[-1].integration_id
        left = spare - sum(len(event.body) for event in claimed)
        self._full = len(self._held) + len(claimed) >= most or left < MAX_BODY
        return claimed

    async def _work(self, event: Claimed) -> None:
        attempt: Attempt | None = None
        try:
            try:
                installed = await integrations.find(self._ctx, event.integration_id)
            except CcbError as error:  # such as a secret key that does not fit: nothing about the event itself
                await self._put_off(event, error)
                return
            attempt = (OwnAttempt if installed.id == OWN else Attempt)(self._ctx, installed, event)
            await attempt.go()
        except LeaseLostError:
            log.warning("lease lost", event_id=event.id)
        except asyncio.CancelledError:
            if attempt is not None:
                await asyncio.shield(attempt.release())
            raise
        except DatabaseAwayError:
            log.exception("attempt broken off", event_id=event.id)
            if attempt is not None:
                await self._give_up(attempt, event, AWAY)
        except Exception:  # one event's surprise must not stop the others
            log.exception("attempt crashed", event_id=event.id)
            if attempt is not None:
                fault = T("This is a fault of the engine. Its log has the cause under {id}.", id=event.id)
                await self._give_up(attempt, event, fault)

    async def _put_off(self, event: Claimed, error: CcbError) -> None:
        """Say why the event's integration cannot be read, and look again later; the attempt does not count."""
        log.error("integration not readable", event_id=event.id, reason=str(error))
        now = self._ctx.clock.now()
        told = orjson.dumps({"error": error.error, "message": error.message.dump()}).decode()
        ending = Ending("failed", now, run_at=now + UNREADABLE_SECONDS, error=told, counted=False)
        await self._ctx.db.submit(queue.advance, Progress(event.id, event.token, now, ending=ending))

    async def _give_up(self, attempt: Attempt, event: Claimed, why: Text) -> None:
        """Let an attempt that we could not finish be tried again; if that cannot be written, its lease ends."""
        try:
            await attempt.crashed(why)
        except LeaseLostError:  # what was being written when it broke off had been, or another has taken it up
            log.info("attempt had ended", event_id=event.id)
        except Exception:  # the database is away: whoever reaps the lease takes the event up
            log.exception("crash not recorded", event_id=event.id)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._held[task]
        if self._full:
            self._wake.set()

    async def _renew(self) -> None:
        """Keep the leases of what is in hand, three times in their length."""
        while True:
            await asyncio.sleep(self._ctx.settings.lease_seconds / 3)
            until = self._ctx.clock.now() + self._ctx.settings.lease_seconds
            events = list(self._held.values())
            renewals = (self._ctx.db.submit(queue.advance, Progress(e.id, e.token, until)) for e in events)
            for event, held in zip(events, await asyncio.gather(*renewals, return_exceptions=True), strict=True):
                if isinstance(held, BaseException):  # False is an event that has just ended
                    log.warning("lease not renewed", event_id=event.id, exc_info=held)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
