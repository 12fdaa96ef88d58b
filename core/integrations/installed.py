"""An integration as it is installed: found, parsed, decrypted, and as it may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from core import packages
from core.context import Context
from core.engine_config import KEYS as ENGINE_KEYS
from core.engine_config import EngineConfig
from core.errors import Conflict, NotFound
from core.grants import Grants
from core.manifest import Manifest
from core.monitoring import Monitoring
from core.redaction import mask
from core.sources import SOURCES, Source, SourceParams
from core.texts import T
from storage import integrations as rows

SHARED_MEMORY_SECONDS = 1.0
"""How long a node may go by what it read, where other nodes write too."""
OWN_MEMORY_SECONDS = 60.0
_FOREVER = 1e9


@dataclass(frozen=True)
class WebhookSecret:
    """A secret that deliveries may be signed with; `expires_at` is None for the present one."""

    secret: str = field(repr=False)
    expires_at: float | None


@dataclass(frozen=True)
class Held:
    """A version that waits beside the running one, and what it may do more (`hosts: b.example`)."""

    version: str
    wider: tuple[str, ...]


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
    monitoring: Monitoring
    grants: Grants
    source: Source[Any]
    source_params: SourceParams
    pending: str | None
    """JSON of a version that waits for an admin."""
    error_details: Mapping[str, Any] | None
    created_at: float
    updated_at: float

    @property
    def manifest(self) -> Manifest:
        """The package's manifest."""
        return self.package.manifest

    @property
    def held(self) -> Held | None:
        """The version that waits for an admin."""
        if self.pending is None:
            return None
        waiting = orjson.loads(self.pending)
        commit = waiting["provenance"].get("commit") or waiting["package"]
        return Held(str(commit)[:12], tuple(waiting["wider"]))

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
    installed = load(ctx, *found)
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


def webhook_url(ctx: Context, integration_id: str) -> str:
    """Return the address that the source's service sends to."""
    return f"{ctx.settings.base_url}/webhooks/{integration_id}"


def shown_config(installed: Installed) -> dict[str, Any]:
    """Return the configuration as it may be shown: every key that is set, secrets masked."""
    engine = installed.engine.model_dump(exclude_none=True)
    secret = {**installed.config_secrets, **installed.engine.tokens}
    return {**engine, **installed.config, **{key: mask(value) for key, value in secret.items()}}


async def stored_package(ctx: Context, digest: str) -> packages.Package:
    """Return a package that is stored under its digest."""
    files = await ctx.db.read(rows.files_of, digest)
    return packages.read(orjson.loads(files))


def missing(installed: Installed, manifest: Manifest | None = None) -> list[str]:
    """Return the keys that must be set before it can be active (`webhook_secret` among them).

    `manifest`: of a version that is to take the place of the present one.
    """
    present = {*installed.config, *installed.config_secrets}
    return missing_from(
        manifest or installed.manifest,
        present,
        secured=bool(installed.webhook_secrets) or not installed.source.needs_secret,
    )


def missing_from(manifest: Manifest, present: set[str], *, secured: bool) -> list[str]:
    """Return the keys that `present` lacks; `secured`: whether it has the webhook secret, or needs none."""
    unset = [key for key in manifest.required if key not in present]
    needs = SOURCES.get(manifest.source["kind"]).needs_secret
    return unset if secured or not needs else [*unset, "webhook_secret"]


def refuse_missing(name: str, unset: Sequence[str]) -> None:
    """Raise `Conflict` with the list of what is `unset`, if anything is."""
    if unset:
        raise Conflict(
            T("{name} still needs: {missing}.", name=name, missing=", ".join(unset)),
            error="Configuration incomplete",
            missing=list(unset),
        )


def seal(ctx: Context, config: Mapping[str, str], webhook: Sequence[WebhookSecret]) -> str:
    """Return the secrets of a configuration and those of its webhook, encrypted for the row."""
    content = {"config": dict(config), "webhook": [{"secret": s.secret, "expires_at": s.expires_at} for s in webhook]}
    return ctx.secrets.encrypt(dump(content))


def dump(value: Any) -> str:
    """Return a value as the row's JSON."""
    return orjson.dumps(value).decode()


def load(ctx: Context, row: rows.Integration, files: str) -> Installed:
    """Return a stored integration, parsed and decrypted; `files`: its package's, as JSON."""
    package: packages.Package | None = ctx.memo.get(("package", row.package))
    if package is None:
        package = packages.read(orjson.loads(files))
        ctx.memo.put(("package", row.package), package, seconds=_FOREVER)
    public, sealed = orjson.loads(row.config), _sealed(ctx, row)
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
        monitoring=Monitoring.model_validate_json(row.monitoring),
        grants=Grants.model_validate_json(row.grants),
        source=source,
        source_params=package.manifest.source_params,
        pending=row.pending,
        error_details=orjson.loads(row.error_details) if row.error_details else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _sealed(ctx: Context, row: rows.Integration) -> Any:
    """Return a row's secrets; the bot's own webhook has that of the settings alone."""
    if row.id != rows.OWN:
        return orjson.loads(ctx.secrets.decrypt(row.sealed))
    secret = ctx.settings.github_webhook_secret
    return {"config": {}, "webhook": [{"secret": secret.get_secret_value(), "expires_at": None}] if secret else []}
