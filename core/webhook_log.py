"""The webhook log: why deliveries were refused. Nobody can fill the disk with it from outside.

Lines gather in memory and are written once a second, apart from the ingest's transactions. From one address to one
integration at most `BURST` come through at once and `PER_MINUTE` a minute after that; what is more is only counted on
the last line. What a crash takes with it is at most a second of refusals.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from core.context import Context
from core.ids import new_id
from core.texts import T
from storage import metrics
from storage import webhook_log as rows

MOST_EACH = 1_000
"""Lines kept for one integration (and for all unknown ones together)."""
MOST = 10_000
"""Lines kept in all."""
BURST = 10
PER_MINUTE = 10.0
PENDING = 1_000
"""Lines that wait in memory for the next flush; what is more is counted on the last one."""
SENDERS = 10_000
"""Senders whose rate is remembered; past that the one not heard of longest is forgotten."""
LONGEST_DETAIL = 2_000

_FOREVER = 1e9
_CUT = T("The reason is too long to be kept.").dump()


@dataclass(slots=True)
class _Bucket:
    """One sender's tokens (a token bucket), and the line that counts what is beyond them."""

    tokens: float
    at: float
    line_id: str = ""


@dataclass(slots=True)
class _Buffer:
    """What waits to be written."""

    lines: dict[str, dict[str, Any]] = field(default_factory=dict)
    suppressed: dict[str, int] = field(default_factory=dict)
    counts: metrics.Counts = field(default_factory=dict)
    buckets: OrderedDict[tuple[str, str], _Bucket] = field(default_factory=OrderedDict)
    flushing: asyncio.Lock = field(default_factory=asyncio.Lock)


def note(
    ctx: Context, *, integration_id: str, status: int, reason: str, remote: str, detail: str, counted: bool = True
) -> None:
    """Note a refused delivery; never waits. `integration_id` is empty for an unknown one.

    `status`: what was answered. `reason`: a short code. `detail`: the sentence for people, as `Text.dump` gives it.
    Neither may hold a secret. `counted`: whether it goes into the metrics, where those without a line are counted too.
    """
    buffer = _buffer(ctx)
    if counted:
        metrics.count(buffer.counts, integration_id, ctx.clock.now(), metrics.REJECTED + reason)
    bucket = _bucket(buffer, (integration_id, remote), ctx.clock.now())
    if bucket.tokens < 1 and bucket.line_id:
        _count(buffer, bucket.line_id)
        return
    if len(buffer.lines) >= PENDING:
        _count(buffer, next(reversed(buffer.lines)))
        return
    bucket.tokens -= 1
    bucket.line_id = new_id("rej")
    buffer.lines[bucket.line_id] = {
        "id": bucket.line_id,
        "integration_id": integration_id,
        "at": ctx.clock.now(),
        "status": status,
        "reason": reason,
        "remote": remote,
        "detail": detail if len(detail) <= LONGEST_DETAIL else _CUT,
        "suppressed": 0,
    }


async def flush(ctx: Context) -> None:
    """Write what has gathered; called about once a second, and once more at the end."""
    buffer = _buffer(ctx)
    async with buffer.flushing:  # who asks for the entries waits for those that are on their way
        if not buffer.lines and not buffer.suppressed and not buffer.counts:
            return
        lines, buffer.lines = list(buffer.lines.values()), {}
        suppressed, buffer.suppressed = buffer.suppressed, {}
        counts, buffer.counts = buffer.counts, {}
        try:
            await ctx.db.write(rows.store, lines, suppressed=suppressed, most_each=MOST_EACH, most=MOST, counts=counts)
        except (DBAPIError, PoolTimeoutError, OSError):  # what was counted waits for the database, its lines do not
            buffer.counts = metrics.merged((counts, buffer.counts))
            raise


async def entries(ctx: Context, integration_id: str, limit: int) -> Sequence[rows.Rejection]:
    """Return an integration's refused deliveries, newest first, those of this second too."""
    await flush(ctx)
    return await ctx.db.read(rows.newest, integration_id, limit)


def _buffer(ctx: Context) -> _Buffer:
    buffer: _Buffer | None = ctx.memo.get(_Buffer)
    if buffer is None:
        buffer = _Buffer()
        ctx.memo.put(_Buffer, buffer, seconds=_FOREVER)
    return buffer


def _bucket(buffer: _Buffer, sender: tuple[str, str], now: float) -> _Bucket:
    """Return a sender's bucket, filled up to the present."""
    bucket = buffer.buckets.get(sender)
    if bucket is None:
        bucket = buffer.buckets[sender] = _Bucket(BURST, now)
        if len(buffer.buckets) > SENDERS:
            buffer.buckets.popitem(last=False)
    else:
        buffer.buckets.move_to_end(sender)
        bucket.tokens = min(BURST, bucket.tokens + max(0.0, now - bucket.at) * PER_MINUTE / 60)
        bucket.at = now
    return bucket


def _count(buffer: _Buffer, line_id: str) -> None:
    """Count one more on a line: in memory while it waits, else at the next flush."""
    waiting = buffer.lines.get(line_id)
    if waiting is not None:
        waiting["suppressed"] += 1
    else:
        buffer.suppressed[line_id] = buffer.suppressed.get(line_id, 0) + 1
