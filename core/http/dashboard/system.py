"""`/dashboard/system`: the engine itself: its health, its queue, its quotas, what is configured and what is not."""

from __future__ import annotations

import time
from typing import Any

from core import backups, health
from core.context import Context
from core.events import queue_status
from core.http import queue
from core.http.dashboard import mending
from core.http.dashboard.door import Shown, page
from core.http.dashboard.names import names_of
from core.http.health import VERSION
from core.http.node import NODE
from core.http.routes import ANY_KEY, Request
from core.services import SERVICES
from core.status.words import span
from core.texts import TN, T, Text
from storage import alerts as alert_rows
from storage import leader, quotas
from storage.quotas import ServiceQuota

MOST_SHARES = 10
"""Integrations whose part of the queue is shown."""


@page("/dashboard/system", permission=ANY_KEY, section="system")
async def system(ctx: Context, request: Request) -> Shown:
    """Show how the engine is. What outside services said is at most a minute old, as in `/health`."""
    found = await health.report(ctx, fresh=False)
    node, reads_events = request.raw.app[NODE], request.actor.may("events.read")
    holder = await ctx.db.read(leader.current, leader.SCHEDULER)
    look = await ctx.db.read(alert_rows.last_pass) if request.actor.may("alerts.read") else None
    present = ctx.settings.present()
    services = [
        (one.title, one.configured(ctx.settings), [(name, name in present) for name in one.required])
        for one in SERVICES.values()
    ]
    return Shown(
        "system.html",
        T("System"),
        {
            "t": _WORDS,
            "status": found.status,
            "checks": [(name, one, _detail(one.detail, request.language)) for name, one in found.dependencies.items()],
            "version": VERSION,
            "uptime": span(time.monotonic() - node.started),
            "database": ctx.db.dialect,
            "roles": ", ".join(ctx.settings.roles),
            "address": ctx.settings.public_url or node.address,
            "holder": holder.holder if holder is not None and holder.expires_at > ctx.clock.now() else None,
            "look": look,
            "rules": TN("{count} rule", "{count} rules", look.rules) if look is not None else None,
            "queue": await queue.status(ctx, request) if reads_events else None,
            "sentences": await _sentences(ctx) if reads_events else [],
            "shares": await _shares(ctx, request.language) if reads_events else [],
            "quotas": await _quotas(ctx, request.language),
            "backups": await _backups(ctx) if request.actor.may("backup.read") else None,
            "services": services,
        },
    )


async def _sentences(ctx: Context) -> list[Text]:
    """Return what is wrong with the queue; what names the REST API is said by the list of integrations below it."""
    found = await queue_status.of_all(ctx)
    return [one for one in found.sentences if not mending.names_rest(one.render())]


async def _shares(ctx: Context, language: str) -> list[tuple[str, Text | str, str]]:
    """Return the integrations that have most in the queue or dead: id, name, how much."""
    names, found = await names_of(ctx), []
    for share in await queue_status.by_integration(ctx, most=MOST_SHARES):
        much = [
            TN("{count} waits", "{count} wait", share.waits) if share.waits else None,
            TN("{count} failed", "{count} failed", share.failed) if share.failed else None,
            TN("{count} dead", "{count} dead", share.dead) if share.dead else None,
        ]
        said = ", ".join(text.render(language) for text in much if text is not None)
        found.append((share.integration_id, names.get(share.integration_id, share.integration_id), said))
    return found


def _detail(detail: Text | str | None, language: str) -> str:
    return detail.render(language) if isinstance(detail, Text) else detail or ""


async def _backups(ctx: Context) -> dict[str, Any]:
    """Return how old the newest backup is, when the next is due, and why the last failed where it did."""
    found, now, mode = await backups.state(ctx), ctx.clock.now(), ctx.settings.backups
    every = ctx.settings.backup_seconds
    own = mode not in ("off", "elsewhere")
    return {
        "off": mode == "off",
        "newest": found.newest_at,
        "age": span(backups.age(found, now)),
        "late": mode != "off" and backups.late(found, every=every, now=now),
        "next": max(now, backups.next_at(found, every=every, now=now)) if own else None,
        "under_way": found.under_way is not None,
        "failure": backups.failure(found),
        "file": found.newest.file if found.newest is not None else "",
        "note": found.newest.note if found.newest is not None else "",
    }


async def _quotas(ctx: Context, language: str) -> list[dict[str, Any]]:
    """Return what services said last; what has been given anew since is not what is left."""
    return [
        {
            "what": _whose(one).render(language),
            "left": one.remaining if ctx.clock.now() < one.resets_at else None,
            "limit": one.allowed,
            "heard": one.heard_at,
            "resets": one.resets_at,
        }
        for one in await ctx.db.read(quotas.known)
    ]


def _whose(quota: ServiceQuota) -> Text:
    title = _TITLES.get(quota.service, quota.service)
    if quota.kind == "tokens":
        return T("Tokens of {service}", service=title)
    return T("Requests to {service}", service=title)


_TITLES = {"github": "GitHub", "claude": "Claude"}
_WORDS = {
    "health": T("Health"),
    "check": T("Check"),
    "status": T("Status"),
    "detail": T("What it said"),
    "took": T("Took"),
    "set": T("Set it in the environment or .env:"),
    "engine": T("Engine"),
    "version": T("Version"),
    "uptime": T("Running for"),
    "database": T("Database"),
    "roles": T("Roles of this node"),
    "address": T("Address"),
    "scheduler": T("The scheduler runs on"),
    "nobody": T("no node: start one with the role scheduler"),
    "look": T("Alert rules last looked at"),
    "queue": T("Queue"),
    "whose": T("Whose events these are"),
    "depth": T("Waiting"),
    "flight": T("In hand"),
    "failed": T("Tried again later"),
    "dead": T("Dead"),
    "oldest": T("Oldest waits"),
    "no_queue": T("The queue is shown to keys with the permission events.read."),
    "backups": T("Backups"),
    "newest": T("Newest backup"),
    "old": T("old"),
    "none": T("none yet"),
    "late": T("It is later than it should be: ask the machine that makes them, or make one now:"),
    "due": T("Next one due"),
    "under_way": T("One is being made now."),
    "file": T("File"),
    "note": T("Note"),
    "off": T("Backups are switched off. CCB_BACKUPS switches them on."),
    "no_backups": T("Backups are shown to keys with the permission backup.read."),
    "quotas": T("Quotas left"),
    "service": T("Service"),
    "left": T("Left"),
    "anew": T("given anew since"),
    "heard": T("As it said"),
    "resets": T("Full again"),
    "no_quotas": T("No service has said anything of its quota yet."),
    "configured": T("What is configured"),
    "yes": T("set"),
    "no": T("missing"),
    "how": T("`ccb init` leads through it, one service at a time; then start the engine again."),
}
