"""A new version of what is installed: taken at once, or kept until an admin lets its wider capabilities through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import audit, packages
from core.actors import Actor
from core.context import Context
from core.errors import Conflict
from core.grants import Grants, resolve, wider
from core.integrations.changes import write
from core.integrations.installed import Installed, dump, find
from core.manifest import Manifest
from core.texts import T
from storage import integrations as rows


async def from_repository(ctx: Context, repository: str, slug: str) -> Installed | None:
    """Return the integration that was installed from integrations/<slug>/ of a repository."""
    found = await ctx.db.read(rows.from_repository, repository, slug)
    return await find(ctx, found) if found else None


async def update(ctx: Context, reference: str, files: Mapping[str, str], *, commit: str, actor: Actor) -> list[str]:
    """Verify a package and make it the version that runs; return what waits for an admin, if anything does.

    While the integration is active or paused, a package that may do more than was approved, or proves its sender in
    another way, is kept beside the running one until somebody activates again. Raises `Invalid` for a package that is
    wrong, `Conflict` for one with another slug.
    """
    package = packages.read(files)
    await packages.verify(package, sandbox=ctx.sandbox)
    stored = {"digest": package.digest, "files": dump(dict(package.files)), "created_at": ctx.clock.now()}
    while True:
        installed = await find(ctx, reference)
        if package.manifest.slug != installed.manifest.slug:
            raise Conflict(
                T("The package is {slug}, not {expected}.", slug=package.manifest.slug, expected=installed.slug)
            )
        if (package.digest, commit) == (installed.package.digest, installed.provenance.get("commit")):
            return []  # a merge is told of twice: as that, and as a push
        waits = _waits(installed, package.manifest)
        provenance = {**installed.provenance, "commit": commit}
        if waits:
            pending = {"package": package.digest, "provenance": provenance, "wider": waits}
            values: dict[str, Any] = {"pending": dump(pending)}
            action = "update.waits"
        else:
            values = _taken(installed, package.digest, package.manifest, provenance)
            action = "update.taken"
        entry = audit.entry(
            ctx, actor, action, integration_id=installed.id, before={"version": installed.version},
            after={"version": commit[:12]}, why=", ".join(waits),
        )  # fmt: skip
        if await write(ctx, installed, values, [entry], package=stored):
            return waits


def _taken(installed: Installed, digest: str, manifest: Manifest, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the row of an integration becomes that runs this version from now on."""
    values: dict[str, Any] = {"package": digest, "provenance": dump(provenance), "pending": None}
    if installed.status in ("active", "paused"):
        values["grants"] = resolve(manifest, installed.config).model_dump_json()
    return values


def _waits(installed: Installed, manifest: Manifest) -> list[str]:
    if installed.status not in ("active", "paused"):  # nothing is approved yet: whoever activates sees what it may do
        return []
    wanted: Grants = resolve(manifest, installed.config)
    found = wider(installed.grants, wanted)
    if manifest.source.get("kind") != installed.source.kind:
        found.append(f"source {manifest.source.get('kind')}")
    return found
