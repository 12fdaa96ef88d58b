"""Changing what is installed: its configuration, secrets, monitoring and state; each change is in the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from core import audit, configuration
from core.auth import Actor
from core.context import Context
from core.engine_config import SECRET_KEYS
from core.errors import Conflict, Invalid
from core.grants import resolve
from core.integrations.install import new_webhook_secret
from core.integrations.installed import (
    Installed,
    WebhookSecret,
    dump,
    find,
    missing,
    missing_from,
    refuse_missing,
    seal,
    stored_package,
)
from core.manifest import Manifest
from core.monitoring import Monitoring
from core.redaction import mask
from core.texts import T, Text
from storage import integrations as rows
from storage import queue

ROTATION_SECONDS = 86400.0
"""How long a webhook secret stays valid beside the one that took its place, unless said otherwise."""


async def configure(ctx: Context, reference: str, changes: Mapping[str, Any], *, actor: Actor) -> Installed:
    """Set keys of the configuration; None takes a key away. What is not mentioned stays.

    Raises `Invalid` naming the key that is unknown, of a wrong type, or a mask sent back. What the integration may
    reach (hosts and channels taken from the configuration) is fixed anew only when `actor` may activate. So is where it
    acts, which its own tokens decide: they can be changed of an active one by nobody else.
    """
    actor.require("integrations.write")
    while True:
        installed = await find(ctx, reference)
        public, secret = configuration.checked(installed.manifest, changes)
        merged = configuration.merged({**_stored_config(installed)}, public, changes)
        sealed = configuration.merged({**installed.config_secrets, **installed.engine.tokens}, secret, changes)
        values: dict[str, Any] = {
            "config": dump(merged),
            "sealed": seal(ctx, sealed, installed.webhook_secrets),
        }
        if installed.status == "active":
            if any(key in SECRET_KEYS and key not in installed.manifest.properties for key in changes):
                actor.require("integrations.activate")
            refuse_missing(installed.name, missing_from(installed.manifest, {*merged, *sealed}, secured=True))
            if actor.may("integrations.activate"):
                values["grants"] = resolve(installed.manifest, merged).model_dump_json()
        before, after = _shown(installed), _masked(merged, sealed)
        entry = audit.entry(ctx, actor, "config.changed", integration_id=installed.id, before=before, after=after)
        if await write(ctx, installed, values, [entry] if before != after else []):
            await ctx.db.write(queue.release_waiting, ctx.clock.now(), integration_id=installed.id)
            return await find(ctx, installed.id)


async def set_webhook_secret(
    ctx: Context, reference: str, secret: str | None, *, actor: Actor, keep_seconds: float = ROTATION_SECONDS
) -> tuple[Installed, str | None]:
    """Make `secret` the one that deliveries are signed with; the former stays valid for `keep_seconds`.

    Without a `secret` one is made, and returned beside the integration (shown this once). Raises `Invalid`.
    """
    actor.require("integrations.write")
    if secret is not None and not secret.strip():
        raise Invalid(T("The webhook secret must not be empty."), path="secret")
    made = new_webhook_secret() if secret is None else None
    present = secret if secret is not None else str(made)
    while True:
        installed = await find(ctx, reference)
        if installed.webhook_secrets and installed.webhook_secrets[0].secret == present:
            return installed, None  # said twice: the former one keeps its time
        until = ctx.clock.now() + keep_seconds
        former = [WebhookSecret(s.secret, until) for s in installed.webhook_secrets[:1] if keep_seconds > 0]
        sealed = seal(
            ctx, {**installed.config_secrets, **installed.engine.tokens}, [WebhookSecret(present, None), *former]
        )
        entry = audit.entry(
            ctx,
            actor,
            "webhook_secret.changed",
            integration_id=installed.id,
            before={"webhook_secret": next((mask(s.secret) for s in installed.webhook_secrets), None)},
            after={"webhook_secret": mask(present), "former_valid_for_seconds": keep_seconds if former else 0},
        )
        if await write(ctx, installed, {"sealed": sealed}, [entry]):
            return await find(ctx, installed.id), made


async def monitor(ctx: Context, reference: str, changes: Mapping[str, Any], *, actor: Actor) -> Installed:
    """Set keys of the monitoring settings to `changes`, which are valid; what is not mentioned stays."""
    actor.require("integrations.write")
    while True:
        installed = await find(ctx, reference)
        before = installed.monitoring.model_dump()
        wanted = Monitoring.model_validate({**before, **changes})
        values = {"monitoring": wanted.model_dump_json(exclude_defaults=True)}
        entry = audit.entry(
            ctx, actor, "monitoring.changed", integration_id=installed.id, before=before, after=wanted.model_dump()
        )
        if wanted == installed.monitoring or await write(ctx, installed, values, [entry]):
            return await find(ctx, installed.id)


async def activate(ctx: Context, reference: str, *, actor: Actor) -> Installed:
    """Switch on, and fix what it may reach; raise `Conflict` with the list of what is missing.

    A version that waits for an admin is taken with it.
    """
    actor.require("integrations.activate")
    installed = await find(ctx, reference)
    if installed.status not in ("inactive", "paused", "active"):
        raise _wrong_state(installed, T("It can be activated when it is inactive or paused."))
    manifest, values = await activated(ctx, installed), {}
    if installed.pending is not None:
        waiting = orjson.loads(installed.pending)
        values = {"package": waiting["package"], "provenance": dump(waiting["provenance"]), "pending": None}
    refuse_missing(installed.name, missing(installed, manifest))
    values["grants"] = resolve(manifest, installed.config).model_dump_json()
    return await _move(ctx, installed, "active", actor=actor, why="activated", **values)


async def activated(ctx: Context, installed: Installed) -> Manifest:
    """Return the manifest that an activation takes: that of a version that waits for an admin, else the present one."""
    if installed.pending is None:
        return installed.manifest
    return (await stored_package(ctx, orjson.loads(installed.pending)["package"])).manifest


async def pause(ctx: Context, reference: str, *, actor: Actor) -> Installed:
    """Switch off for a while: deliveries are refused, what was accepted waits."""
    actor.require("integrations.activate")
    installed = await find(ctx, reference)
    if installed.status not in ("active", "paused"):
        raise _wrong_state(installed, T("Only an active integration can be paused."))
    return await _move(ctx, installed, "paused", actor=actor, why="paused")


async def _move(ctx: Context, installed: Installed, after: str, *, actor: Actor, why: str, **values: Any) -> Installed:
    entry = audit.entry(
        ctx,
        actor,
        "status.changed",
        integration_id=installed.id,
        before={"status": installed.status},
        after={"status": after},
        why=why,
    )
    entries = [entry] if after != installed.status else []
    if not await write(ctx, installed, {"status": after, **values}, entries):
        raise _wrong_state(installed, T("It was changed by somebody else at this moment. Try again."))
    return await find(ctx, installed.id)


async def write(
    ctx: Context,
    installed: Installed,
    values: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    *,
    package: Mapping[str, Any] | None = None,
) -> bool:
    """Write, if nobody has written since `installed` was read; forget what is kept in memory either way.

    Raises `Conflict` for the bot's own.
    """
    if installed.id == rows.OWN:
        raise Conflict(
            T("{name} is the bot's own webhook. Its secret is {setting}; there is nothing else to change.",
              name=installed.name, setting="GITHUB_WEBHOOK_SECRET")
        )  # fmt: skip
    now = max(ctx.clock.now(), installed.updated_at + 1e-6)  # each write has a time of its own: it is the row's version
    done = await ctx.db.write(
        rows.change,
        installed.id,
        expected={"updated_at": installed.updated_at},
        values={**values, "updated_at": now},
        entries=entries,
        package=package,
    )
    ctx.memo.drop(("integration", installed.id))
    ctx.memo.drop(("integration", installed.slug))
    return done


def _stored_config(installed: Installed) -> dict[str, Any]:
    engine = installed.engine.model_dump(exclude_unset=True, exclude=set(SECRET_KEYS))
    return {**engine, **installed.config}


def _shown(installed: Installed) -> dict[str, Any]:
    """Return the stored configuration as the audit keeps it: what somebody has set, secrets masked."""
    return _masked(_stored_config(installed), {**installed.config_secrets, **installed.engine.tokens})


def _masked(public: Mapping[str, Any], secret: Mapping[str, str]) -> dict[str, Any]:
    return {**public, **{key: mask(value) for key, value in secret.items()}}


def _wrong_state(installed: Installed, what: Text) -> Conflict:
    return Conflict(
        T("{name} is {status}. {what}", name=installed.name, status=installed.status, what=what),
        status=installed.status,
    )
