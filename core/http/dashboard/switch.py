"""Switching an integration on, or off for a while; each asks first, and says what becomes of its deliveries."""

from __future__ import annotations

from typing import Any

from core import integrations
from core.context import Context
from core.grants import Grants, legible
from core.http import integrations as resource
from core.http.dashboard.confirm import confirm
from core.http.dashboard.door import Shown, action, page
from core.http.routes import Request
from core.integrations import Installed
from core.texts import T, Text


@page("/dashboard/integrations/{id}/activate", permission="integrations.activate", section="integrations")
async def ask_activate(ctx: Context, request: Request) -> Shown:
    """Ask whether it is to be switched on, and say what it may do then."""
    return await _activation(ctx, await integrations.find(ctx, request.path["id"]))


@action("/dashboard/integrations/{id}/activate", permission="integrations.activate", section="integrations")
async def activate(ctx: Context, request: Request) -> str | Shown:
    """Switch it on, if it is as it was when that was asked: it may do what was read, and no more."""
    installed = await integrations.find(ctx, request.path["id"])
    if request.body.get("seen") != repr(installed.updated_at):
        return await _activation(ctx, installed, changed=True)
    return _page_of((await resource.activate(ctx, request)).id)


@page("/dashboard/integrations/{id}/pause", permission="integrations.activate", section="integrations")
async def ask_pause(ctx: Context, request: Request) -> Shown:
    """Ask whether it is to rest."""
    installed = await integrations.find(ctx, request.path["id"])
    lines = (
        T("Deliveries are refused until it is activated again; some senders do not send them a second time."),
        T("What was accepted waits, and is worked off then."),
    )
    return _asked(installed, T("Pause {name}?", name=installed.name), lines, T("Pause it"), "pause")


@action("/dashboard/integrations/{id}/pause", permission="integrations.activate", section="integrations")
async def pause(ctx: Context, request: Request) -> str:
    """Switch it off for a while."""
    return _page_of((await resource.pause(ctx, request)).id)


async def _activation(ctx: Context, installed: Installed, *, changed: bool = False) -> Shown:
    manifest = await integrations.activated(ctx, installed)
    missing, title = integrations.missing(installed, manifest), T("Activate {name}?", name=installed.name)
    grants, illegible = legible(manifest, installed.config)
    command = f"ccb config {installed.slug}"
    if missing:
        typed = T(
            "Set it where the engine runs, by `{command}`, then activate it.", command=f"{command} {missing[0]}=…"
        )
        lacks = T("Its configuration lacks {names}.", names=", ".join(missing))
        return _asked(installed, title, (lacks, typed), None, "activate")
    if illegible is not None:
        typed = T("Mend it where the engine runs, by `{command}`.", command=command)
        return _asked(installed, title, (illegible.message, typed), None, "activate")
    lines = [T("Deliveries are accepted from then on, and what waits is worked off."), *_may(grants)]
    if installed.held is not None:
        newer = T("Its version {newer} takes the place of {version}. It may do more than was approved: {wider}.",
                  newer=installed.held.version, version=installed.version,
                  wider=", ".join(installed.held.wider))  # fmt: skip
        lines.insert(1, newer)
    return _asked(installed, title, lines, T("Activate it"), "activate", changed=changed)


def _may(grants: Grants) -> list[Text]:
    """Say what it may do, which whoever activates it approves."""
    said = [T("It may do: {what}.", what=_codes(grants.actions))] if grants.actions else [T("It may do nothing.")]
    if grants.hosts:
        said.append(T("It may reach: {where}.", where=_codes(grants.hosts)))
    if places := {*grants.channels, *grants.repositories, *grants.recipients}:
        said.append(T("It may write to: {where}.", where=_codes(places)))
    return said + [
        T("It may send the secret {name} to: {where}.", name=_codes({name}), where=_codes(hosts))
        for name, hosts in sorted(grants.secrets.items())
        if hosts
    ]


def _codes(names: frozenset[str] | set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _asked(
    installed: Installed, title: Text, lines: Any, button: Text | None, deed: str, *, changed: bool = False
) -> Shown:
    back = _page_of(installed.id)
    note = T("It was changed meanwhile. Nothing was done: look at what it is now.") if changed else None
    seen = {"seen": repr(installed.updated_at)}
    return confirm(title, lines, deed=f"{back}/{deed}", button=button, back=back, hidden=seen, changed=note)


def _page_of(integration: str) -> str:
    return f"/dashboard/integrations/{integration}"
