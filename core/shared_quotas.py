"""What is left of services' quotas, shared by all nodes: each writes what it heard, beside the work."""

from __future__ import annotations

import asyncio

import structlog

from core.context import Context
from storage import quotas as rows
from storage.quotas import ServiceQuota

log = structlog.get_logger()

SHARE_SECONDS = 5.0


async def share(ctx: Context) -> None:
    """Write what this process has heard since it wrote last."""
    heard = ctx.quotas.news()
    if heard:
        await ctx.db.write(
            rows.keep,
            [
                ServiceQuota(
                    service=one.service, credential=one.credential, kind=one.quota.kind, remaining=one.quota.remaining,
                    allowed=one.quota.limit, resets_at=one.quota.resets_at, heard_at=one.at,
                )
                for one in heard
            ],
        )  # fmt: skip
        ctx.quotas.told(heard)


async def keep_sharing(ctx: Context) -> None:
    """Share every few seconds until it is cancelled."""
    while True:
        await asyncio.sleep(SHARE_SECONDS)
        try:
            await share(ctx)
        except Exception:  # it must outlive a database that is away for a moment
            log.exception("quotas were not shared")
