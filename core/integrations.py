"""Integrations: installed, configured, activated, paused."""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy.exc import IntegrityError

from core import configuration, packages
from core.auth import Actor
from core.context import Context
from core.engine_config import KEYS as ENGINE_KEYS
from core.engine_config import SECRET_KEYS, EngineConfig
from core.errors import Conflict, Invalid, NotFound
from core.grants import Grants, resolve
from core.ids import new_id
from core.manifest import Manifest
from core.redaction import mask
from core.sources import SOURCES, Source, SourceParams
from core.texts import T, Text
from storage import integrations as rows
from storage import queue

SHARED_MEMORY_SECONDS = 1.0
"""How long a node may go by what it read, where other nodes write too."""
OWN_MEMORY_SECONDS = 60.0
ROTATION_SECONDS = 86400.0
"""How long a webhook secret stays valid beside the one that took its place."""
_FOREVER = 1e9


@dataclass(frozen=True)
class WebhookSecret:
    """A secret that deliveries may be signed with; `expires_at` is None for the present one."""

    secret: str = field(repr=False)
    expires_at: float | None


@dataclass(frozen=True)
class Installed:
    """An integration ready for work: parsed, decrypted. `version` is the commit or the package's short digest."""

    id: str
    slug: str
    name: str
    status: str
    package: packages.Package
    provenance: Mapping[str, Any]
    config: Mapping[str, Any]
    config_secrets: Mapping[str, str] = field(repr=False)
    webhook_secrets: tuple[WebhookSecret, ...]
    engine: EngineConfig
    grants: Grants
    source: Source[Any]
    source_params: SourceParams
    error_details: Mapping[str, Any] | None
    created_at: float
    updated_at: float

    @property
    def manifest(self) -> Manifest:
        """The package's manifest."""
        return self.package.manifest

    @property
    def version(self) -> str:
        """What it runs: the commit where it came from one, else the package's digest, both cut to 12 characters."""
        return str(self.provenance.get("commit") or self.package.digest)[:12]

    def secrets_at(self, now: float) -> list[str]:
        """Return the webhook secrets that are valid at `now`."""
        return [s.secret for s in self.webhook_secrets if s.expires_at is None or s.expires_at > now]

    def secret_values(self) -> list[str]:
        """Return everything that must not be shown."""
        own = [*self.config_secrets.values(), *self.engine.tokens.values()]
        return own + [s.secret for s in self.webhook_secrets]


async def find(ctx: Context, reference: str) -> Installed:
    """Return the integration with this id or slug; raise `NotFound`."""
    if not reference.isprintable():  # PostgreSQL's text holds no NUL, and nothing has such a name
        raise unknown(ascii(reference))
    kept: Installed | None = ctx.memo.get(("integration", reference))
    if kept is not None:
        return kept
    return await ctx.memo.share(("integration", reference), lambda: _read(ctx, reference))


async def _read(ctx: Context, reference: str) -> Installed:
    drops = ctx.memo.drops
    found = await ctx.db.read(rows.find, reference)
    if found is None:
        raise unknown(reference)
    installed = _load(ctx, *found)
    seconds = SHARED_MEMORY_SECONDS if ctx.db.shared else OWN_MEMORY_SECONDS
    if ctx.memo.drops == drops:  # else it may have been changed while it was read
        ctx.memo.put(("integration", reference), installed, seconds=seconds)
    return installed


def unknown(reference: str) -> NotFound:
    """Return the error for an id or slug that nothing has."""
    return NotFound(
        T("There is no integration {reference}. `ccb integrations` lists those there are.", reference=reference),
        integration=reference,
    )


def webhook_url(ctx: Context, installed: Installed) -> str:
    """Return the address that the source's service sends to."""
    return f"{ctx.settings.base_url}/webhooks/{installed.id}"


async def page(ctx: Context, *, limit: int | None = None, offset: int = 0) -> tuple[list[Installed], int]:
    """Return integrations, oldest first, and how many there are in all."""
    found, total = await ctx.db.read(rows.all_of_them, limit=limit, offset=offset)
    return [_load(ctx, *pair) for pair in found], total


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
    made = _new_webhook_secret() if source.needs_secret and wish.webhook_secret is None else None
    webhook = wish.webhook_secret or made
    slug, now = wish.slug or manifest.slug, ctx.clock.now()
    if wish.activate:
        _refuse_missing(wish.name or manifest.name, _missing(manifest, {*public, *secret}, secured=webhook is not None))
    status = "active" if wish.activate else "inactive"
    integration = {
        "id": new_id("int"),
        "slug": slug,
        "name": wish.name or manifest.name,
        "status": status,
        "package": package.digest,
        "provenance": _dump({**wish.provenance, "installed_by": actor.name}),
        "config": _dump(public),
        "sealed": _seal(ctx, secret, [WebhookSecret(webhook, None)] if webhook else []),
        "grants": resolve(manifest, public).model_dump_json() if wish.activate else "{}",
        "created_at": now,
        "updated_at": now,
    }
    stored = await _add(
        ctx,
        package={"digest": package.digest, "files": _dump(dict(package.files)), "created_at": now},
        integration=integration,
        change=_change(integration["id"], None, status, now, actor, "installed"),
    )
    if not stored:
        raise Conflict(
            T("There is an integration {slug} already. Give this one another slug.", slug=slug), integration=slug
        )
    return await find(ctx, str(integration["id"])), made


async def _add(ctx: Context, **parts: Mapping[str, Any]) -> bool:
    try:
        return await ctx.db.write(rows.add, **parts)
    except IntegrityError:  # another node has taken the slug at this very moment
        return False


def shown_config(installed: Installed) -> dict[str, Any]:
    """Return the configuration as it may be shown: every key that is set, secrets masked."""
    engine = installed.engine.model_dump(exclude_none=True)
    secret = {**installed.config_secrets, **installed.engine.tokens}
    return {**engine, **installed.config, **{key: mask(value) for key, value in secret.items()}}


async def configure(ctx: Context, reference: str, changes: Mapping[str, Any], *, actor: Actor) -> Installed:
    """Set keys of the configuration; None takes a key away. What is not mentioned stays.

    Raises `Invalid` naming the key that is unknown, of a wrong type, or a mask sent back. What the integration may
    reach (hosts and channels taken from the configuration) is fixed anew only when `actor` may activate.
    """
    actor.require("integrations.write")
    while True:
        installed = await find(ctx, reference)
        public, secret = configuration.checked(installed.manifest, changes)
        merged = configuration.merged({**_stored_config(installed)}, public, changes)
        sealed = configuration.merged({**installed.config_secrets, **installed.engine.tokens}, secret, changes)
        values: dict[str, Any] = {
            "config": _dump(merged),
            "sealed": _seal(ctx, sealed, installed.webhook_secrets),
        }
        if installed.status == "active":
            _refuse_missing(installed.name, _missing(installed.manifest, {*merged, *sealed}, secured=True))
            if actor.may("integrations.activate"):
                values["grants"] = resolve(installed.manifest, merged).model_dump_json()
        if await _update(ctx, installed, values):
            await ctx.db.write(queue.release_waiting, ctx.clock.now(), integration_id=installed.id)
            return await find(ctx, installed.id)


async def set_webhook_secret(
    ctx: Context, reference: str, secret: str, *, actor: Actor, keep_seconds: float = ROTATION_SECONDS
) -> Installed:
    """Make `secret` the one that deliveries are signed with; the former stays valid for `keep_seconds`."""
    actor.require("integrations.write")
    if not secret.strip():
        raise Invalid(T("The webhook secret must not be empty."), path="secret")
    while True:
        installed = await find(ctx, reference)
        if installed.webhook_secrets and installed.webhook_secrets[0].secret == secret:
            return installed  # said twice: the former one keeps its time
        until = ctx.clock.now() + keep_seconds
        former = [WebhookSecret(s.secret, until) for s in installed.webhook_secrets[:1]]
        sealed = _seal(
            ctx, {**installed.config_secrets, **installed.engine.tokens}, [WebhookSecret(secret, None), *former]
        )
        if await _update(ctx, installed, {"sealed": sealed}):
            return await find(ctx, installed.id)


async def activate(ctx: Context, reference: str, *, actor: Actor) -> Installed:
    """Switch on, and fix what it may reach; raise `Conflict` with the list of what is missing."""
    actor.require("integrations.activate")
    installed = await find(ctx, reference)
    if installed.status not in ("inactive", "paused", "active"):
        raise _wrong_state(installed, T("It can be activated when it is inactive or paused."))
    _refuse_missing(installed.name, missing(installed))
    grants = resolve(installed.manifest, installed.config).model_dump_json()
    return await _move(ctx, installed, "active", actor=actor, why="activated", grants=grants)


async def pause(ctx: Context, reference: str, *, actor: Actor) -> Installed:
    """Switch off for a while: deliveries are refused, what was accepted waits."""
    actor.require("integrations.activate")
    installed = await find(ctx, reference)
    if installed.status not in ("active", "paused"):
        raise _wrong_state(installed, T("Only an active integration can be paused."))
    return await _move(ctx, installed, "paused", actor=actor, why="paused")


async def _move(ctx: Context, installed: Installed, after: str, *, actor: Actor, why: str, **values: Any) -> Installed:
    now = ctx.clock.now()
    change = _change(installed.id, installed.status, after, now, actor, why) if after != installed.status else None
    if not await _update(ctx, installed, {"status": after, **values}, change):
        raise _wrong_state(installed, T("It was changed by somebody else at this moment. Try again."))
    return await find(ctx, installed.id)


async def _update(
    ctx: Context, installed: Installed, values: Mapping[str, Any], change: Mapping[str, Any] | None = None
) -> bool:
    """Write, if nobody has written since `installed` was read; forget what is kept in memory either way."""
    now = max(ctx.clock.now(), installed.updated_at + 1e-6)  # each write has a time of its own: it is the row's version
    done = await ctx.db.write(
        rows.change,
        installed.id,
        expected={"updated_at": installed.updated_at},
        values={**values, "updated_at": now},
        state=change,
    )
    ctx.memo.drop(("integration", installed.id))
    ctx.memo.drop(("integration", installed.slug))
    return done


def _stored_config(installed: Installed) -> dict[str, Any]:
    engine = installed.engine.model_dump(exclude_unset=True, exclude=set(SECRET_KEYS))
    return {**engine, **installed.config}


def missing(installed: Installed) -> list[str]:
    """Return the keys that must be set before it can be active (`webhook_secret` among them)."""
    present = {*installed.config, *installed.config_secrets}
    return _missing(
        installed.manifest, present, secured=bool(installed.webhook_secrets) or not installed.source.needs_secret
    )


def _missing(manifest: Manifest, present: set[str], *, secured: bool) -> list[str]:
    unset = [key for key in manifest.required if key not in present]
    needs = SOURCES.get(manifest.source["kind"]).needs_secret
    return unset if secured or not needs else [*unset, "webhook_secret"]


def _refuse_missing(name: str, unset: list[str]) -> None:
    if unset:
        raise Conflict(
            T("{name} still needs: {missing}.", name=name, missing=", ".join(unset)),
            error="Configuration incomplete",
            missing=unset,
        )


def _wrong_state(installed: Installed, what: Text) -> Conflict:
    return Conflict(
        T("{name} is {status}. {what}", name=installed.name, status=installed.status, what=what),
        status=installed.status,
    )


def _change(id_: Any, before: str | None, after: str, at: float, actor: Actor, why: str) -> dict[str, Any]:
    return {"integration_id": id_, "before": before, "after": after, "at": at, "who": actor.name, "why": why}


def _new_webhook_secret() -> str:
    """Return a secret in the form of Standard Webhooks (whsec_ and base64), which every other scheme takes as well."""
    return "whsec_" + base64.b64encode(random.token_bytes(32)).decode()


def _seal(ctx: Context, config: Mapping[str, str], webhook: Sequence[WebhookSecret]) -> str:
    content = {"config": dict(config), "webhook": [{"secret": s.secret, "expires_at": s.expires_at} for s in webhook]}
    return ctx.secrets.encrypt(_dump(content))


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _load(ctx: Context, row: rows.Integration, files: str) -> Installed:
    package: packages.Package | None = ctx.memo.get(("package", row.package))
    if package is None:
        package = packages.read(orjson.loads(files))
        ctx.memo.put(("package", row.package), package, seconds=_FOREVER)
    public, sealed = orjson.loads(row.config), orjson.loads(ctx.secrets.decrypt(row.sealed))
    own = package.manifest.properties
    engine = {k: v for k, v in {**public, **sealed["config"]}.items() if k in ENGINE_KEYS and k not in own}
    source = SOURCES.get(package.manifest.source["kind"])
    return Installed(
        id=row.id,
        slug=row.slug,
        name=row.name,
        status=row.status,
        package=package,
        provenance=orjson.loads(row.provenance),
        config={k: v for k, v in public.items() if k in own},
        config_secrets={k: v for k, v in sealed["config"].items() if k in own},
        webhook_secrets=tuple(WebhookSecret(**s) for s in sealed["webhook"]),
        engine=EngineConfig.model_validate(engine),
        grants=Grants.model_validate_json(row.grants),
        source=source,
        source_params=package.manifest.source_params,
        error_details=orjson.loads(row.error_details) if row.error_details else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def state_changes(ctx: Context, installed: Installed) -> Sequence[rows.StateChange]:
    """Return every change of its state, oldest first."""
    return await ctx.db.read(rows.state_changes, installed.id)
