"""The scheduler: APScheduler on the one node that holds the leader row. It only wakes; the rows stay the truth.

Version 3 of APScheduler is not safe on several nodes at once, hence the leader row: a lease with a fencing token,
renewed every two seconds and good for six, so that another node takes over within ten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from core import alerting, backups, healing, metrics, retention, sessions
from core import jobs as long_jobs
from core.context import Context
from core.duties import Duty
from core.texts import T
from storage import accept, idempotency, leader, queue
from storage.dialect import announce

log = structlog.get_logger()

RENEW_SECONDS = 2.0
TERM_SECONDS = 6.0

JOB_GRACE_SECONDS = 3.0
"""How long a job that runs may take to end at a stop."""

LOOK_SECONDS = 20.0
"""How often all alert rules are looked at: at least once a minute, also where a look takes long."""

SWEEP_SECONDS = 600.0
"""How often what is older than its retention is deleted."""

LEASE_LOST = T("The worker went away in the middle of this attempt; another takes over.")


class Scheduler:
    """Campaigns for the duty; while it holds it, runs the jobs."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._duty = Duty(ctx, leader.SCHEDULER, term=TERM_SECONDS)
        self._jobs: AsyncIOScheduler | None = None
        self._task: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._watcher = alerting.Watcher(ctx)
        self._evaluator = alerting.Evaluator(ctx, self._watcher)
        self._dispatcher = alerting.Dispatcher(ctx)
        self._keeper = backups.Keeper(ctx)

    @property
    def leading(self) -> bool:
        """Whether this node holds the duty."""
        return self._jobs is not None

    def start(self) -> None:
        """Begin to campaign."""
        self._task = asyncio.create_task(self._campaign(), name="scheduler-campaign")

    async def stop(self) -> None:
        """Stop the jobs and let go of the duty."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self.leading:
            await self._step_down()
            await self._duty.resign()

    async def _campaign(self) -> None:
        while True:
            token = await self._duty.campaign()
            if token is not None and not self.leading:
                log.debug("scheduler leads", token=token)
                self._take_up()
            elif token is None and self.leading:
                log.warning("scheduler no longer leads")
                await self._step_down()
            self._wake_what_waits_too_long()
            await asyncio.sleep(RENEW_SECONDS)

    def _take_up(self) -> None:
        jobs = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )
        lease = self._ctx.settings.lease_seconds
        every: list[tuple[Callable[[], Awaitable[None]], float]] = [
            (self._wake_due, 1.0),
            (self._reap, min(5.0, lease / 3)),
            (self._advance_jobs, 1.0),
            (self._forget, 60.0),
            (self._sample, 60.0),
            (self._roll_up, 60.0),
            (self._roll_up_late, 3600.0),
            (self._watch, 60.0),
            (self._look_at_alerts, LOOK_SECONDS),
            (self._tell_alerts, 1.0),
            (self._illustrate_alerts, 1.0),
            (self._sweep, SWEEP_SECONDS),
            (self._look_for_gaps, self._ctx.settings.gap_seconds),
            (self._back_up, 1.0),
        ]
        self._keeper.resume()
        for function, seconds in every:
            jobs.add_job(
                self._run, "interval", (function,), seconds=seconds, id=function.__name__,
                next_run_time=datetime.now(UTC),
                # Another one comes while it draws or copies, and leaves at once.
                max_instances=2 if function in (self._illustrate_alerts, self._back_up) else 1,
            )  # fmt: skip
        jobs.start()
        self._jobs = jobs

    def _wake_what_waits_too_long(self) -> None:
        """Wake each job that waits for longer than it ever should: after the machine's clock was set back.

        APScheduler would wait until the clock is again what it was.
        """
        if self._jobs is None:
            return
        now = datetime.now(UTC)
        late = [job for job in self._jobs.get_jobs() if job.next_run_time - now > _longest_wait(job)]
        for job in late:
            job.modify(next_run_time=now)
        if late:
            log.warning("the clock was set back: jobs woken", count=len(late))

    async def _step_down(self) -> None:
        """Start no more jobs and let those that run come to their end."""
        jobs, self._jobs = self._jobs, None
        assert jobs is not None
        self._keeper.stop()
        jobs.pause()
        if self._running:
            await asyncio.wait(self._running, timeout=JOB_GRACE_SECONDS)
        jobs.shutdown(wait=False)

    async def _run(self, job: Callable[[], Awaitable[None]]) -> None:
        """Run one job; what it raises is logged, and the next round tries again."""
        task: asyncio.Task[Any] | None = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await job()
        except Exception:  # the scheduler must outlive a database that is away for a moment
            log.exception("job failed", job=job.__name__)
        finally:
            self._running.discard(task)

    async def _wake_due(self) -> None:
        """Wake the workers for what is due, and set an alarm for what falls due before the next look."""
        due = await self._ctx.db.read(queue.next_due)
        now = self._ctx.clock.now()
        if due is None or self._jobs is None:
            return
        if due <= now:
            await self._wake()
        elif due < now + 1.0:
            at = datetime.fromtimestamp(due, UTC)
            self._jobs.add_job(self._run, "date", (self._wake,), run_date=at, id="due", replace_existing=True)

    async def _wake(self) -> None:
        await self._ctx.db.write(announce, "events")

    async def _reap(self) -> None:
        """Give back to the queue what a worker that went away still holds."""
        lost = await self._ctx.db.write(queue.reap, self._ctx.clock.now(), why=LEASE_LOST.dump())
        if lost:
            log.warning("leases reaped", count=len(lost))

    async def _advance_jobs(self) -> None:
        """Do the next piece of each job on many events."""
        await long_jobs.advance(self._ctx)

    async def _look_for_gaps(self) -> None:
        """Look for events that never arrived, and ask for them again, where that is switched on."""
        await healing.look_after(self._ctx)

    async def _forget(self) -> None:
        """Delete keys of deduplication and idempotency, jobs, alerts and sessions that are over for long enough."""
        await self._ctx.db.write(accept.forget, self._ctx.clock.now())
        await long_jobs.forget(self._ctx)
        await self._ctx.db.write(idempotency.forget, self._ctx.clock.now())
        await alerting.forget(self._ctx)
        await sessions.forget(self._ctx)

    async def _watch(self) -> None:
        """Look after the engine itself."""
        await self._watcher.refresh()

    async def _look_at_alerts(self) -> None:
        """Look at all alert rules, and plan what is to be told."""
        await self._evaluator.look()

    async def _tell_alerts(self) -> None:
        """Say what is due of alerts."""
        await self._dispatcher.run()

    async def _illustrate_alerts(self) -> None:
        """Add charts to what was just told; a job of its own, for drawing takes seconds."""
        await self._dispatcher.illustrate()

    async def _sample(self) -> None:
        """Keep how many events wait, for the metrics."""
        await metrics.sample(self._ctx)

    async def _roll_up(self) -> None:
        """Make hours and days of the minutes of metrics."""
        await metrics.roll(self._ctx)

    async def _roll_up_late(self) -> None:
        """Look for minutes of metrics that were written long after they were over."""
        await metrics.roll_late(self._ctx)

    async def _sweep(self) -> None:
        """Delete what is older than it is to be kept."""
        await retention.sweep(self._ctx)

    async def _back_up(self) -> None:
        """Make a backup, if one is due or asked for."""
        await self._keeper.look()


def _longest_wait(job: Job) -> timedelta:
    """Return how long a job waits for its next time, or the alarm for the next retry."""
    interval: timedelta = getattr(job.trigger, "interval", timedelta(seconds=1))
    return interval + timedelta(seconds=1)
