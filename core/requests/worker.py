"""The worker of requests: takes those whose next stage is due under a lease, and writes what became of it.

A stage that a crash cuts short is begun again by whoever takes the lease over; what it had done is found, not repeated.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import structlog

from core.context import Context
from core.errors import CcbError, NotConfigured, Unavailable, Upstream
from core.requests import telling
from core.requests.model import Asked, Line, Next, Stage, details_of, parsed
from core.requests.stages import STAGES
from core.texts import T
from storage import requests as rows
from storage.requests import IntegrationRequest

log = structlog.get_logger()

SLOTS = 4
"""Requests at work at a time: Claude takes minutes, and its answers are large."""
IDLE_SECONDS = 5.0
"""How long a worker that was not woken waits before it looks by itself."""
UNCONFIGURED_SECONDS = 300.0
"""After how long to look again whether a service is configured; a start looks at once."""
LONGEST_WAIT = 3600.0
FIRST_WAIT = 5.0
MOST_TRIES = 12
"""How often a stage is tried that fails in a way that may pass; the waits double from `FIRST_WAIT`: over three hours.
A limit of a service does not count: it is waited for as long as the service says."""


class RequestWorker:
    """Works on requests until it is stopped. One per process."""

    def __init__(self, ctx: Context, wake: asyncio.Event) -> None:
        """`wake` is set whenever there may be something to do."""
        self._ctx = ctx
        self._wake = wake
        self._tasks: dict[asyncio.Task[None], IntegrationRequest] = {}
        self._stopping = False

    async def run(self) -> None:
        """Claim and work until `stop`."""
        renewing = asyncio.create_task(self._renew(), name="renew-requests")
        try:
            while not self._stopping:
                self._wake.clear()
                if not await self._take():
                    await self._idle()
        finally:
            renewing.cancel()

    async def stop(self, *, grace: float) -> None:
        """Take no more; what is at work has `grace` seconds, and is given back then."""
        self._stopping = True
        self._wake.set()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=grace)
        left = dict(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for row in left.values():
            assert row.lease_token is not None
            await self._ctx.db.write(rows.advance, row.id, row.lease_token, {})

    async def _take(self) -> bool:
        if len(self._tasks) >= SLOTS:
            return False
        now = self._ctx.clock.now()
        try:
            row = await self._ctx.db.write(rows.claim, now, now + self._ctx.settings.lease_seconds)
        except Exception:  # the loop must outlive a database that is away for a moment
            log.exception("claim of a request failed")
            return False
        if row is None:
            return False
        task = asyncio.create_task(self._work(row), name=f"request-{row.id}")
        self._tasks[task] = row
        task.add_done_callback(self._done)
        return True

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._wake.set()

    async def _renew(self) -> None:
        lease = self._ctx.settings.lease_seconds
        while True:
            await asyncio.sleep(lease / 3)
            until = self._ctx.clock.now() + lease
            for row in list(self._tasks.values()):
                assert row.lease_token is not None
                try:
                    await self._ctx.db.write(rows.renew, row.id, row.lease_token, until)
                except Exception:  # the loop must outlive a database that is away for a moment
                    log.exception("lease of a request not renewed", request=row.id)

    async def _work(self, row: IntegrationRequest) -> None:
        asked, now = parsed(row), self._ctx.clock.now()
        try:
            if row.tell_at is not None and row.tell_at <= now:
                await telling.tell(self._ctx, asked)
            if row.run_at is not None and row.run_at <= now:
                await self._write(asked, await self._stage(asked))
            else:
                await self._ctx.db.write(rows.advance, row.id, row.lease_token, {})
        except Exception:  # one request's surprise must not stop the others; its lease ends, and it is begun again
            log.exception("request crashed", request=row.id, stage=row.stage)

    async def _stage(self, asked: Asked) -> Next:
        stage: Stage = asked.row.stage  # type: ignore[assignment]  # written by this module alone
        try:
            return await STAGES[stage](self._ctx, asked)
        except NotConfigured as error:
            return self._later(asked, stage, error, UNCONFIGURED_SECONDS, counted=False)
        except Upstream as error:
            limited = error.retry_after is not None
            if error.permanent or (not limited and asked.row.tries + 1 >= MOST_TRIES):
                return _failed(stage, error)
            wait = error.retry_after if error.retry_after is not None else _wait(asked.row.tries)
            return self._later(asked, stage, error, wait, counted=not limited)
        except Unavailable as error:
            return self._later(asked, stage, error, error.retry_after, counted=False)
        except CcbError as error:
            return _failed(stage, error)

    def _later(self, asked: Asked, stage: Stage, error: CcbError, wait: float, *, counted: bool) -> Next:
        seconds = max(1.0, min(wait, 24 * 3600.0))
        details = {**details_of(error), "retry_after": f"{round(seconds)}s"}
        return Next(
            asked.row.status,  # type: ignore[arg-type]  # as it is
            stage,
            (
                Line(
                    stage, T("{reason} Again in {seconds} s.", reason=error.message, seconds=round(seconds)), "warning"
                ),
            ),
            run_at=self._ctx.clock.now() + seconds,
            error_details=details,
            values={"tries": asked.row.tries + 1 if counted else asked.row.tries},
        )

    async def _write(self, asked: Asked, came: Next) -> None:
        now = self._ctx.clock.now()
        values: dict[str, Any] = {
            "status": came.status,
            "stage": came.stage,
            "run_at": (came.run_at or now) if came.stage else None,
            "tries": 0,
            "error_details": orjson.dumps(came.error_details).decode() if came.error_details else None,
            "updated_at": now,
            "tell_at": now if asked.row.issue is not None else None,
            **came.values,
        }
        written = await self._ctx.db.write(
            rows.advance,
            asked.id,
            asked.row.lease_token,
            values,
            lines=[line.row(now) for line in came.lines],
            round_=came.round_,
            settles=asked.row.version,
        )
        if not written:
            await self._ctx.db.write(rows.too_late, asked.id, asked.row.version, came.round_)
            log.warning("lease of a request lost", request=asked.id, stage=asked.row.stage)


def _failed(stage: Stage, error: CcbError) -> Next:
    return Next("failed", "", (Line(stage, error.message, "error"),), error_details=details_of(error))


def _wait(tries: int) -> float:
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries, 20)))
