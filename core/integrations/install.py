"""Installing: a package verified, its configuration checked, stored."""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from core import alerts, audit, configuration, packages
from core.auth import Actor
from core.context import Context
from core.errors import Conflict
from core.grants import resolve
from core.ids import new_id
from core.integrations.installed import (
    Installed,
    WebhookSecret,
    dump,
    find,
    missing_from,
    refuse_missing,
    seal,
)
from core.redaction import mask
from core.sources import SOURCES
from core.texts import T
from storage import alert_rules
from storage import integrations as rows


@dataclass(frozen=True)
class Wish:
    """What somebody wants installed. `slug` and `name` replace the manifest's (two of one package need two slugs)."""

    files: Mapping[str, str]
    provenance: Mapping[str, Any]
    config: Mapping[str, Any] = field(repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    slug: str | None = None
    name: str | None = None
    activate: bool = False
    id: str | None = None
    """The id that it is to have: that of the request which it came from."""


async def install(ctx: Context, wish: Wish, *, actor: Actor) -> tuple[Installed, str | None]:
    """Verify and store a package; return it, and its webhook secret if one was made (shown this once).

    Raises `Invalid` for a package or configuration that is wrong, `Conflict` when the slug is taken, or when it is to
    be active at once and something is missing.
    """
    actor.require("integrations.write")
    if wish.activate:
        actor.require("integrations.activate")
    package = packages.read(wish.files)
    await packages.verify(package, sandbox=ctx.sandbox)
    manifest = package.manifest
    public, secret = configuration.checked(manifest, wish.config)
    source = SOURCES.get(manifest.source["kind"])
    made = new_webhook_secret() if source.needs_secret and wish.webhook_secret is None else None
    webhook = wish.webhook_secret or made
    slug, now = wish.slug or manifest.slug, ctx.clock.now()
    if wish.activate:
        refuse_missing(
            wish.name or manifest.name, missing_from(manifest, {*public, *secret}, secured=webhook is not None)
        )
    status = "active" if wish.activate else "inactive"
    integration = {
        "id": wish.id or new_id("int"),
        "slug": slug,
        "name": wish.name or manifest.name,
        "status": status,
        "package": package.digest,
        "provenance": dump({**wish.provenance, "installed_by": actor.name}),
        "config": dump(public),
        "sealed": seal(ctx, secret, [WebhookSecret(webhook, None)] if webhook else []),
        "grants": resolve(manifest, public).model_dump_json() if wish.activate else "{}",
        "created_at": now,
        "updated_at": now,
    }
    shown = {key: mask(value) for key, value in secret.items()}
    stored = await _add(
        ctx,
        alerts.rows_of(alerts.with_defaults(packages.alert_rules(manifest))),
        package={"digest": package.digest, "files": dump(dict(package.files)), "created_at": now},
        integration=integration,
        entries=[
            audit.entry(
                ctx,
                actor,
                "integration.installed",
                integration_id=str(integration["id"]),
                after={"status": status, "slug": slug, "version": package.digest[:12], **public, **shown},
            )
        ],
    )
    if not stored:
        raise Conflict(
            T("There is an integration {slug} already. Give this one another slug.", slug=slug), integration=slug
        )
    return await find(ctx, str(integration["id"])), made


async def _add(ctx: Context, rules: Sequence[Mapping[str, Any]], **parts: Any) -> bool:
    def add(connection: sa.Connection) -> bool:
        added = rows.add(connection, **parts)
        if added and rules:
            integration = parts["integration"]
            alert_rules.replace(connection, integration["id"], rules, now=integration["created_at"])
        return added

    try:
        return await ctx.db.write(add)
    except IntegrityError:  # another node has taken the slug at this very moment
        return False


def new_webhook_secret() -> str:
    """Return a secret in the form of Standard Webhooks (whsec_ and base64), which every other scheme takes as well."""
    return "whsec_" + base64.b64encode(random.token_bytes(32)).decode()
