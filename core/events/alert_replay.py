"""Running again what alerts tell of: all that has failed since shortly before the first of them began."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from core import alerting
from core.actors import Actor
from core.context import Context
from core.errors import Conflict
from core.events import replay
from core.events.replay import Wish
from core.integrations import Installed
from storage.alerts import Alert
from storage.jobs import Job

BEFORE_SECONDS = 3600.0
"""How long before its alert an event may have come in: the window that the alert tells of."""


def since(found: Sequence[Alert]) -> float:
    """Return from when on an event belongs to these alerts."""
    return min(one.started_at for one in found) - BEFORE_SECONDS


def failed(found: Sequence[Alert], until: float) -> Wish:
    """Return what has failed by `until`; what fails after that is not meant."""
    return Wish(statuses=("failed", "dead"), received_from=since(found), received_to=until)


async def begin(ctx: Context, installed: Installed, found: Sequence[Alert], until: float, *, actor: Actor) -> Job:
    """Start the job, and note it at each alert that goes on: its history, its message and thread say so."""
    job = await replay.retry(ctx, installed, failed(found, until), actor=actor)
    for one in found:
        if one.ended_at is None:
            with suppress(Conflict):  # it has ended meanwhile, and nobody waits for it any more
                await alerting.replayed(ctx, one.id, count=job.total, actor=actor)
    return job
