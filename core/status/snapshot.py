"""What an integration's problems are told from: one moment of it, read within bounds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from core import durations, health, webhook_log
from core.context import Context
from core.grants import Grants, legible
from core.ids import first_id
from core.integrations import Held, Installed, missing, webhook_url
from core.services import SERVICES
from core.texts import Text, revive_text
from storage import integration_status as rows
from storage.audit import AuditEntry

HOUR = 3600.0
DAY = 86400.0
ACTION_SERVICES: Mapping[str, str] = {"slack_message": "slack", "github_comment": "github", "email": "email"}
"""The actions that need an outside service."""
_OWN_TOKENS = {"slack": "slack_token", "github": "github_token"}
_NUMBER = re.compile(r"\d+")
_NOTHING = rows.Failures(0, None, ())
_EMPTY = rows.Queue(0, None, None, 0)


@dataclass(frozen=True)
class Service:
    """A service that an action needs and that is not configured. `own`: the integration's key that would do as well."""

    name: str
    title: str
    settings: tuple[str, ...]
    own: str | None


@dataclass(frozen=True)
class Snapshot:
    """One moment of an integration. Times are seconds since the epoch."""

    slug: str
    status: str
    now: float
    url: str = ""
    missing: tuple[str, ...] = ()
    error: str | None = None
    """What `error_details` call the failure of its making."""
    needs: tuple[Service, ...] = ()
    dead: rows.Failures = _NOTHING
    failing: rows.Failures = _NOTHING
    waiting: Sequence[rows.Waiting] = ()
    queue: rows.Queue = _EMPTY
    refused: Mapping[str, int] = field(default_factory=dict)
    recent: Mapping[str, int] = field(default_factory=dict)
    last_activity: float | None = None
    activated_at: float | None = None
    events_kept: float | None = None
    """Seconds after which its events are deleted; None: never."""
    rotation_ends: float | None = None
    scheduler: Text | str | None = None
    """What is wrong with the scheduler, None when nothing is."""
    lagging: tuple[str, ...] = ()
    """Hosts, channels and so on that the configuration names and that were not granted by whoever activated."""
    version: str = ""
    held: Held | None = None
    """A version that waits beside `version` for an admin."""
    illegible: Text | None = None
    """Why an address of the configuration cannot be read."""


async def take(ctx: Context, installed: Installed) -> Snapshot:
    """Return what is so at this moment."""
    now = ctx.clock.now()
    await webhook_log.flush(ctx)
    found = await ctx.db.read(rows.read, installed.id, hour_ago=now - HOUR, first_of_hour=first_id("evt", now - HOUR))
    scheduler = await health.one(ctx, "scheduler")
    active = installed.status == "active"
    wanted, illegible = legible(installed.manifest, installed.config)
    ends = [s.expires_at for s in installed.webhook_secrets if s.expires_at is not None and s.expires_at > now]
    return Snapshot(
        slug=installed.slug,
        status=installed.status,
        now=now,
        url=webhook_url(ctx, installed.id),
        missing=tuple(missing(installed)),
        error=str(installed.error_details["error"]) if installed.error_details else None,
        needs=_unconfigured(ctx, installed, wanted),
        dead=found.dead,
        failing=found.failing,
        waiting=found.waiting,
        queue=found.queue,
        refused=found.refused,
        recent=found.recent,
        last_activity=found.last_activity,
        activated_at=_activated_at(installed, found.changes) if active else None,
        events_kept=_seconds(installed.monitoring.events_retention),
        rotation_ends=max(ends) if ends else None,
        scheduler=scheduler.detail if scheduler.status == "down" else None,
        lagging=_lagging(wanted, installed.grants) if active else (),
        version=installed.version,
        held=installed.held,
        illegible=illegible.message if illegible else None,
    )


def commonest(failures: rows.Failures, *, since: float) -> tuple[Text, int, int] | None:
    """Return the reason that most of the failures from `since` on have, how many have it, and of how many."""
    told = [_reason(stored) for at, stored in failures.reasons if at >= since]
    if not told:
        return None
    # Numbers in a reason, such as seconds to wait, make no other reason of it.
    shapes = [_NUMBER.sub("#", str(text)) for text in told]
    shape, count = Counter(shapes).most_common(1)[0]
    return told[shapes.index(shape)], count, len(told)


def _reason(stored: str) -> Text:
    return revive_text(orjson.loads(stored)["message"])


def _unconfigured(ctx: Context, installed: Installed, wanted: Grants) -> tuple[Service, ...]:
    found = []
    for action in sorted(wanted.actions):
        service = SERVICES.get(ACTION_SERVICES.get(action, ""))
        own = _OWN_TOKENS.get(service.name) if service else None
        if service is None or own in installed.engine.tokens or _reaches(ctx, service.name):
            continue
        found.append(Service(service.name, service.title, service.required[:1], own))
    return tuple(found)


def _reaches(ctx: Context, service: str) -> bool:
    """Say whether the engine's own settings are enough for the service's action (Slack's needs the bot token alone)."""
    if service == "slack":
        return ctx.settings.slack_bot_token is not None
    return SERVICES[service].configured(ctx.settings)


def _seconds(retention: str | None) -> float | None:
    return None if retention is None else durations.parse(retention)


def _activated_at(installed: Installed, changes: Sequence[AuditEntry]) -> float:
    """Return when it was switched on last; of changes that are no longer kept, the earliest that is possible."""
    for entry in changes:  # newest first
        for change in orjson.loads(entry.changes):
            if change["key"] == "status" and change["to"] == "active":
                return entry.at
    return installed.created_at


def _lagging(wanted: Grants, granted: Grants) -> tuple[str, ...]:
    """Return what the configuration names and nobody who may activate has granted."""
    lists = ("hosts", "channels", "repositories", "recipients")
    found = [value for name in lists for value in sorted(getattr(wanted, name) - getattr(granted, name))]
    for secret, hosts in sorted(wanted.secrets.items()):
        found += [f"{secret} → {host}" for host in sorted(hosts - granted.secrets.get(secret, frozenset()))]
    return tuple(dict.fromkeys(found))
