"""What the engine says of itself: keys that expire, its public address, quotas, disk, channels, scheduler, backups.

Each check returns findings; they are looked at like rules, with `engine` in place of an integration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
import structlog

from core import backups, health
from core.alerting import quotas
from core.alerting.plans import default_channels
from core.alerting.subjects import ENGINE, Finding
from core.alerting.words import span
from core.alerts.evaluation import Truth
from core.channels import apart, leads
from core.clock import moment
from core.context import Context
from core.errors import CcbError, Denied, Invalid
from core.texts import TN, T, Text, revive_text
from storage import alert_outbox, alert_rules, alerts, api_keys, leader

log = structlog.get_logger()

DAY = 86_400.0
KEY_DAYS = ((14, "info"), (3, "warning"), (0, "critical"))
TOLD_ONCE = 30 * DAY
PUBLIC_SECONDS = 10.0
FAILURES = 3
"""How often in a row a channel, or the public address, must fail."""
SCHEDULER_SECONDS = 60.0
"""For how long nobody may hold the scheduler's duty."""
STALE_SECONDS = 600.0
"""For how long findings say something."""
PUBLIC_URL = "engine:public-url"


class Watcher:
    """Looks after the engine itself; one for each scheduler."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._unreachable = 0
        self._found: list[Finding] = []
        self._at: float | None = None
        self._failed = False

    @property
    def findings(self) -> list[Finding]:
        """What was found last; nothing before the first time, or where that was long ago, on another turn of duty."""
        return self._found if self._fresh() else []

    @property
    def whole(self) -> bool:
        """Whether every check has said what there is: what is not among the findings is there no more."""
        return self._fresh() and not self._failed

    def _fresh(self) -> bool:
        return self._at is not None and abs(self._ctx.clock.now() - self._at) < STALE_SECONDS

    async def refresh(self) -> None:
        """Run every check; one that fails is logged, and says nothing this time."""
        checks: list[Callable[[Context], Awaitable[list[Finding]]]] = [
            _keys, _disk, quotas.findings, _channels, _scheduler, _backups, self._public_address,
        ]  # fmt: skip
        found: list[Finding] = []
        failed = False
        for check in checks:
            try:
                found += await check(self._ctx)
            except Exception:  # a check's surprise must not stop the others
                failed = True
                log.exception("a check of the engine failed", check=check.__name__)
        self._found, self._failed, self._at = found, failed, self._ctx.clock.now()

    async def _public_address(self, ctx: Context) -> list[Finding]:
        """Ask our own public address over HTTP, as a sender would."""
        url = ctx.settings.public_url
        if url is None:
            return []
        holds, detail = await self._reached(ctx, f"{url.rstrip('/')}/health/live")
        return [
            Finding(
                PUBLIC_URL, "Webhook endpoint", "critical", holds, detail,
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
        # Where it fires, one failure is enough: a process that begins, or takes over, has not counted those before.
        fires = PUBLIC_URL in await _firing(ctx)
        return fires or self._unreachable >= FAILURES, said


async def _firing(ctx: Context) -> set[str]:
    """Return which of the engine's own conditions fire, as of the last look."""
    rows = await ctx.db.read(alerts.standings, integration_id=ENGINE)
    return {row.rule_id for row in rows if row.state == "firing"}


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
            # A key that never was to last for so long is no news on the day on which it is made.
            lasts = key.expires_at - key.created_at > days * DAY
            holds = key.revoked_at is None and lasts and left <= days * DAY
            found.append(
                Finding(
                    f"engine:key:{key.id}:{days}", f"Key expiry: {key.name}", severity, holds, detail,
                    f"it expires in {days} days or less",
                    fix=T("Give it a later expires_at: PATCH /v1/auth/tokens/{id}. Or make another, and revoke it.",
                          id=key.id), repeat_seconds=TOLD_ONCE,
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
    # Who has given a rule another channel has mended it too.
    rules = await ctx.db.read(alert_rules.everything)
    used = {*default_channels(ctx.settings), *(one for rule in rules for one in orjson.loads(rule.channels))}
    return [
        Finding(
            f"engine:channel:{row.channel}", f"Channel {row.channel}", "critical",
            row.failures >= FAILURES and row.failed_at > now - DAY and row.channel in used,
            TN("The alert channel {channel} has failed {count} attempt: {reason}",
               "The alert channel {channel} has failed {count} attempts in a row: {reason}", row.failures,
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


async def _backups(ctx: Context) -> list[Finding]:
    """Say when the newest good backup is too old, and at once when the last attempt failed."""
    if ctx.settings.backups == "off":
        return []
    found, every = await backups.state(ctx), ctx.settings.backup_seconds
    now = ctx.clock.now()
    detail = backups.told(ctx, found)
    fix = (
        T("Report it when it has been made: `ccb backup --reported`, or POST /v1/backups.")
        if ctx.settings.backups == "elsewhere"
        else T("Make one now: `ccb backup`, or POST /v1/backups; it says what stands in the way.")
    )
    findings = [
        Finding("engine:backup", "Backup age", "warning", backups.late(found, every=every, now=now), detail,
                f"the newest good backup is older than {span(every + backups.LATE)}", fix=fix),
        Finding("engine:backup-old", "Backup age", "critical", backups.age(found, now) > 3 * every, detail,
                f"the newest good backup is older than {span(3 * every)}", fix=fix),
    ]  # fmt: skip
    if ctx.settings.backups == "engine":
        why = backups.failure(found)
        findings.append(
            Finding("engine:backup-failed", "Backup failed", "warning", why is not None, why or detail,
                    "the last attempt at a backup failed", fix=fix)
        )  # fmt: skip
    return findings
