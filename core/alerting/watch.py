"""What the engine says of itself: keys that expire, its public address, quotas, disk, channels, a stopped scheduler.

Each check returns findings; they are looked at like rules, with `engine` in place of an integration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from core import health
from core.alerting.plans import default_channels
from core.alerting.subjects import Finding
from core.alerting.words import span
from core.alerts.evaluation import Truth
from core.channels import apart, leads
from core.clock import moment
from core.context import Context
from core.errors import CcbError, Denied, Invalid
from core.texts import TN, T, Text, revive_text
from storage import alert_outbox, api_keys, leader

log = structlog.get_logger()

DAY = 86_400.0
KEY_DAYS = ((14, "info"), (3, "warning"), (0, "critical"))
TOLD_ONCE = 30 * DAY
PUBLIC_SECONDS = 10.0
FAILURES = 3
"""How often in a row a channel, or the public address, must fail."""
SCHEDULER_SECONDS = 60.0
"""For how long nobody may hold the scheduler's duty."""
LEAST_QUOTA = 0.1
"""The share of a service's quota that is little."""


class Watcher:
    """Looks after the engine itself; one for each scheduler."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._unreachable = 0
        self.findings: list[Finding] | None = None
        """As of the last look; None before the first."""

    async def refresh(self) -> None:
        """Run every check; one that fails is logged, and says nothing this time."""
        checks: list[Callable[[Context], Awaitable[list[Finding]]]] = [
            _keys, _disk, _quotas, _channels, _scheduler, self._public_address,
        ]  # fmt: skip
        found: list[Finding] = []
        for check in checks:
            try:
                found += await check(self._ctx)
            except Exception:  # a check's surprise must not stop the others
                log.exception("a check of the engine failed", check=check.__name__)
        self.findings = found

    async def _public_address(self, ctx: Context) -> list[Finding]:
        """Ask our own public address over HTTP, as a sender would."""
        url = ctx.settings.public_url
        if url is None:
            return []
        holds, detail = await self._reached(ctx, f"{url.rstrip('/')}/health/live")
        return [
            Finding(
                "engine:public-url", "Webhook endpoint", "critical", holds, detail,
                f"CCB_PUBLIC_URL does not answer {FAILURES} times in a row",
                fix=T("Check the proxy, the name and the certificate in front of the engine; senders see the same."),
            )
        ]  # fmt: skip

    async def _reached(self, ctx: Context, url: str) -> tuple[Truth, Text]:
        try:
            answer = await ctx.http.request("GET", url, timeout=PUBLIC_SECONDS)
        except (Denied, Invalid) as error:  # a private address: from here nobody can tell
            return None, error.message
        except CcbError as error:
            said = error.message
        else:
            if answer.status == 200:
                self._unreachable = 0
                return False, T("{url} answers.", url=url)
            said = T("{url} answers {status}.", url=url, status=answer.status)
        self._unreachable += 1
        return self._unreachable >= FAILURES, said


async def _keys(ctx: Context) -> list[Finding]:
    """Say which keys expire."""
    now = ctx.clock.now()
    found = []
    for key in await ctx.db.read(api_keys.all_of_them):
        if key.expires_at is None:
            continue
        left = key.expires_at - now
        detail = (
            T("The key {name} ({id}) expires in {span}, at {when}.", name=key.name, id=key.id, span=span(left),
              when=moment(key.expires_at))
            if left > 0
            else T("The key {name} ({id}) has expired, at {when}.", name=key.name, id=key.id,
                   when=moment(key.expires_at))
        )  # fmt: skip
        for days, severity in KEY_DAYS:
            holds = key.revoked_at is None and left <= days * DAY
            found.append(
                Finding(
                    f"engine:key:{key.id}:{days}", f"Key expiry: {key.name}", severity, holds, detail,
                    f"it expires in {days} days or less",
                    fix=T("Rotate it: POST /v1/auth/tokens/{id}/rotate.", id=key.id), repeat_seconds=TOLD_ONCE,
                )
            )  # fmt: skip
    return found


async def _disk(ctx: Context) -> list[Finding]:
    """Say when the disk is nearly full."""
    found = await health.one(ctx, "disk")
    detail = found.detail if not isinstance(found.detail, str) else T("{detail}", detail=found.detail)
    fix = T("Make room: lower the retention of events and metrics, or give the data folder a larger disk.")
    return [
        Finding("engine:disk", "Disk", "warning", found.status in ("degraded", "down"), detail,
                "less than 1 GB is free in the data folder", fix=fix),
        Finding("engine:disk-full", "Disk full", "critical", found.status == "down", detail,
                "less than 100 MB is free in the data folder", fix=fix),
    ]  # fmt: skip


async def _channels(ctx: Context) -> list[Finding]:
    """Say in the other channels which one does not take messages."""
    rows = await ctx.db.read(alert_outbox.channels)
    well = [row.channel for row in rows if row.failures == 0]
    others = apart(ctx.settings, [*default_channels(ctx.settings), *well])
    now = ctx.clock.now()
    return [
        Finding(
            f"engine:channel:{row.channel}", f"Channel {row.channel}", "critical",
            row.failures >= FAILURES and row.failed_at > now - DAY,
            TN("The alert channel {channel} has refused {count} message: {reason}",
               "The alert channel {channel} has refused {count} messages in a row: {reason}", row.failures,
               channel=row.channel, reason=revive_text(row.error)),
            f"{FAILURES} failures in a row",
            channels=tuple(one for one in others if leads(ctx.settings, one) != leads(ctx.settings, row.channel))[:5],
            fix=T("Mend it, then test it: POST /v1/integrations/<id>/alerts/test."),
        )
        for row in rows
        if row.failed_at is not None and row.error is not None
    ]  # fmt: skip


async def _scheduler(ctx: Context) -> list[Finding]:
    """Say when no node runs the scheduler; then every node looks at the rules in its place."""
    holder = await ctx.db.read(leader.current, leader.SCHEDULER)
    gone = 0.0 if holder is None else max(0.0, ctx.clock.now() - holder.expires_at)
    return [
        Finding(
            "engine:scheduler", "Scheduler stopped", "critical", gone > SCHEDULER_SECONDS,
            T("No node has run the scheduler for {span}: retries that fall due wait.", span=span(gone)),
            f"nobody holds its duty for {round(SCHEDULER_SECONDS)} s",
            fix=T("Start a node with the role scheduler (CCB_ROLES)."),
        )
    ]  # fmt: skip


async def _quotas(ctx: Context) -> list[Finding]:
    """Say when little of a service's quota is left, as it said in its last answer."""
    found = []
    for service, title in (("github", "GitHub"), ("claude", "Claude")):
        quota = ctx.quotas.get(service)
        if quota is None:
            continue
        now = ctx.clock.now()
        little = now < quota.resets_at and quota.remaining <= quota.limit * LEAST_QUOTA
        said = {"limit": quota.limit, "service": title, "remaining": quota.remaining, "when": moment(quota.resets_at)}
        found.append(
            Finding(
                f"engine:quota:{service}", f"{title} quota", "warning", little,
                T("Of {limit} tokens of {service}, {remaining} are left until {when}.", **said)
                if quota.kind == "tokens"
                else T("Of {limit} requests to {service}, {remaining} are left until {when}.", **said),
                f"{round(LEAST_QUOTA * 100)}% or less is left",
            )
        )  # fmt: skip
    return found
