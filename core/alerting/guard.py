"""Every node's watch over the scheduler: when nobody holds its duty, alerts are looked at and told from here."""

from __future__ import annotations

import asyncio

import structlog

from core.alerting.look import Evaluator
from core.alerting.outbox import Dispatcher
from core.alerting.watch import SCHEDULER_SECONDS, Watcher
from core.context import Context
from storage import leader

log = structlog.get_logger()

GUARD_SECONDS = 10.0


class Guard:
    """Takes the scheduler's place for alerts alone. Of several nodes one's look is written, the others' are dropped."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._watcher = Watcher(ctx)
        self._evaluator, self._dispatcher = Evaluator(ctx, self._watcher), Dispatcher(ctx)
        self._expired: float | None = None

    async def run(self) -> None:
        """Watch until it is cancelled."""
        while True:
            await asyncio.sleep(GUARD_SECONDS)
            try:
                await self.look()
            except Exception:  # the watch must outlive a database that is away for a moment
                log.exception("the scheduler's row was not looked at")

    async def look(self) -> bool:
        """Look once; return whether the scheduler was found stopped and its place taken.

        Twice the same expired row: after a jump of the clock the next renewal is a moment away.
        """
        holder = await self._ctx.db.read(leader.current, leader.SCHEDULER)
        now = self._ctx.clock.now()
        if holder is None or now - holder.expires_at <= SCHEDULER_SECONDS:
            self._expired = None
            return False
        if self._expired != holder.expires_at:
            self._expired = holder.expires_at
            return False
        log.warning("no node runs the scheduler", since=holder.expires_at)
        await self._watcher.refresh()
        await self._evaluator.look()
        await self._dispatcher.run()
        await self._dispatcher.illustrate()
        return True
