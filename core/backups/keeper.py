"""Making backups when they are due or asked for, on the node that schedules, beside all else that it does."""

from __future__ import annotations

import asyncio
import threading

import structlog

from core.actors import SYSTEM
from core.backups import service
from core.backups.making import Made, Order, make
from core.backups.state import next_at, state
from core.context import Context
from core.duties import new_holder
from core.errors import CcbError
from core.texts import T
from storage import backups as rows
from storage.away import DatabaseAwayError
from storage.backups import Backup
from storage.sqlite_copy import StoppedError

log = structlog.get_logger()

BEAT_SECONDS = 2.0
SILENT_SECONDS = 30.0
"""After how long without a word another process begins a backup anew."""
LOOK_AROUND_SECONDS = 600.0
"""How often to look for backups in the folder that nobody has written down: those made while the engine was stopped."""
TRIES = 3
"""How often a backup is begun whose process ended in the middle."""


class Keeper:
    """Makes what is to be made; one for each scheduler."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._holder = new_holder()
        self._stop = threading.Event()
        self._busy = False
        self._looked_around = 0.0

    def resume(self) -> None:
        """Make backups again after a `stop`."""
        self._stop = threading.Event()

    def stop(self) -> None:
        """End the one in hand soon; another process, or this one later, begins it anew."""
        self._stop.set()

    async def look(self) -> None:
        """Make the next backup, if one is due or asked for; returns at once while one is being made."""
        if self._busy:
            return
        self._busy = True
        try:
            await self._look()
        finally:
            self._busy = False

    async def _look(self) -> None:
        ctx = self._ctx
        if not 0 <= ctx.clock.now() - self._looked_around < LOOK_AROUND_SECONDS:
            await service.adopt(ctx)
            self._looked_around = ctx.clock.now()
        waiting = await ctx.db.read(rows.under_way)
        if waiting is None and await self._due():
            waiting = await service.ask(ctx, actor=SYSTEM)
        if waiting is None:
            return
        now = ctx.clock.now()
        # On SQLite nobody else is there: whoever was at it is dead.
        silent_since = now - SILENT_SECONDS if ctx.db.shared else now + 1
        if await ctx.db.write(rows.claim, waiting.id, holder=self._holder, now=now, silent_since=silent_since):
            await self._make(await service.find(ctx, waiting.id))

    async def _due(self) -> bool:
        settings, now = self._ctx.settings, self._ctx.clock.now()
        if settings.backups != "engine":
            return False
        return next_at(await state(self._ctx), every=settings.backup_seconds, now=now) <= now

    async def _make(self, backup: Backup) -> None:
        ctx = self._ctx
        try:
            if backup.tries > TRIES:
                raise CcbError(
                    T("The engine ended in the middle of it, {count} times. Look into its log.", count=TRIES)
                )
            done = await self._made(await service.order_for(ctx, backup))
        except StoppedError:
            await ctx.db.write(rows.release, backup.id, holder=self._holder)
        except CcbError as error:
            log.error("backup failed", backup_id=backup.id, reason=str(error))
            await service.failed(ctx, backup, error.message, holder=self._holder)
        except DatabaseAwayError:
            raise  # nothing can be written down now; it is begun anew when it answers
        except Exception as error:  # a backup's surprise is told, like every other failure
            log.exception("backup failed", backup_id=backup.id)
            why = T("an unexpected error ({kind}); the log says more", kind=type(error).__name__)
            await service.failed(ctx, backup, why, holder=self._holder)
        else:
            await self._keep(done)
            log.info("backup made", backup_id=backup.id, file=str(done.path), size=done.manifest.size)

    async def _keep(self, done: Made) -> None:
        try:
            await service.made(self._ctx, done)
        except DatabaseAwayError:
            self._looked_around = 0.0  # its file tells of it when the database answers
            raise

    async def _made(self, order: Order) -> Made:
        """Make it in a thread, and say meanwhile that it is being made."""
        lost, stop = threading.Event(), self._stop
        making = asyncio.create_task(
            asyncio.to_thread(make, order, stopped=lambda: lost.is_set() or stop.is_set()), name="backup"
        )
        try:
            while not (await asyncio.wait({making}, timeout=BEAT_SECONDS))[0]:
                if not await self._beat(order.id):
                    lost.set()
        except asyncio.CancelledError:
            lost.set()
            raise
        return await making

    async def _beat(self, backup_id: str) -> bool:
        """Say that it is being made; return whether it is still ours to make."""
        try:
            return await self._ctx.db.write(rows.beat, backup_id, holder=self._holder, now=self._ctx.clock.now())
        except DatabaseAwayError:
            return True
