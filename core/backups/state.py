"""How it stands with the backups: the newest good one, the last failure, when the next is due. Health says it too."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from core import health
from core.clock import moment
from core.context import Context
from core.texts import T, Text, revive_text
from storage import audit
from storage import backups as rows
from storage.backups import Backup

HOUR = 3600.0
FIRST = 3 * HOUR
"""The time of day (UTC) that intervals are counted from."""
LATE = 2 * HOUR
"""How much later than its time a backup may be before it is missed."""
AGAIN = HOUR
"""How long after a failure it is tried again."""
AHEAD = 300.0
"""How far one clock may be ahead of another; what is dated further ahead was made while a clock was wrong."""


@dataclass(frozen=True)
class State:
    """What there is. `since`: when this version of the engine first started, from where the age of none is counted."""

    newest: Backup | None
    failed: Backup | None
    """The last attempt, where it failed and nothing has been made since."""
    under_way: Backup | None
    since: float

    @property
    def newest_at(self) -> float | None:
        """Of when the newest good one is."""
        return self.newest.made_at if self.newest else None


async def state(ctx: Context) -> State:
    """Return how it stands.

    A backup whose file is gone from this node's disk is none. What is of a time to come says nothing of this one.
    """
    good, last, under_way, since = await ctx.db.read(_read, ctx.clock.now() + AHEAD)
    newest = await asyncio.to_thread(_there, good)
    failed = last if last is not None and last.status == "failed" else None
    return State(newest, failed, under_way, since if since is not None else ctx.clock.now())


def age(found: State, now: float) -> float:
    """Return how old the newest good backup is, in seconds."""
    return max(0.0, now - (found.since if found.newest_at is None else found.newest_at))


def late(found: State, *, every: float, now: float) -> bool:
    """Say whether the newest good backup is older than it should ever be."""
    return age(found, now) > every + LATE


def next_at(found: State, *, every: float, now: float) -> float:
    """Return when the next backup is due, which may be past.

    The times are counted from 03:00 UTC, so that neither a restart nor a backup in between moves them.
    """
    time = math.floor((now - FIRST) / every) * every + FIRST
    if found.newest_at is not None and found.newest_at >= time:
        return time + every
    if found.failed is not None and found.failed.finished_at is not None and found.failed.finished_at >= time:
        return min(found.failed.finished_at + AGAIN, time + every)
    return time


def _read(connection: sa.Connection, until: float) -> tuple[list[Backup], Backup | None, Backup | None, float | None]:
    started = audit.deployments(connection, limit=1)
    since = started[0].at if started else None
    good, last = rows.good(connection, until=until), rows.last_attempt(connection, until=until)
    return good, last, rows.under_way(connection), since


def _there(good: Sequence[Backup]) -> Backup | None:
    here = os.uname().nodename
    return next((one for one in good if one.node != here or not one.file or _is_file(Path(one.file))), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may not be looked into any more
        return False


def failure(found: State) -> Text | None:
    """Return why the last attempt failed, where it did."""
    if found.failed is None or found.failed.error is None:
        return None
    return T(
        "The last backup failed at {when}: {reason}",
        when=moment(found.failed.finished_at or found.failed.asked_at),
        reason=revive_text(found.failed.error),
    )


def told(ctx: Context, found: State) -> Text:
    """Say how old the newest is, and when the next comes."""
    coming = max(ctx.clock.now(), next_at(found, every=ctx.settings.backup_seconds, now=ctx.clock.now()))
    if ctx.settings.backups == "elsewhere":
        if found.newest_at is None:
            return T("No backup has been reported yet.")
        return T("The newest backup is of {when}.", when=moment(found.newest_at))
    if found.newest_at is None:
        return T("There is no backup yet; the first is due at {next}.", next=moment(coming))
    return T("The newest backup is of {when}; the next is due at {next}.", when=moment(found.newest_at),
             next=moment(coming))  # fmt: skip


async def _health(ctx: Context) -> health.Finding:
    if ctx.settings.backups == "off":
        return health.Finding("not_configured", T("Backups are switched off."), settings=("CCB_BACKUPS",))
    found = await state(ctx)
    said = told(ctx, found)
    why = failure(found)
    if why is not None:
        return health.Finding("degraded", T("{first} {second}", first=why, second=said))
    missed = late(found, every=ctx.settings.backup_seconds, now=ctx.clock.now())
    return health.Finding("degraded" if missed else "ok", said)


health.register(health.Check("backup", _health, every=5.0))
