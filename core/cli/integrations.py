"""`ccb integrations`, `activate`, `pause`, `config`: what is installed, and how it is set."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text as Line

from core.cli import screen, values
from core.cli.client import Engine, path
from core.cli.command import Session, command
from core.cli.failure import usage
from core.cli.language import said
from core.texts import T

WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - the name of a setting
"""Not a key of the configuration for the engine; for people it is one like the others (`missing` lists it, too)."""

Which = Annotated[str, typer.Argument(metavar="INTEGRATION", help=said(T("Its slug or id.")))]


def add(parent: typer.Typer) -> None:
    """Add the commands."""
    command(parent, "integrations", T("List what is installed."))(list_all)
    command(parent, "activate", T("Switch an integration on."))(activate)
    command(parent, "pause", T("Refuse an integration's deliveries for a while; what was accepted waits."))(pause)
    command(parent, "config", T("Show an integration's configuration, or change it."))(config)


async def list_all(session: Session) -> None:
    """List integrations."""
    async with session.engine() as engine:
        found = await engine.get("/v1/integrations")
    if session.json:
        screen.write_json(found)
        return
    if not found:
        session.console.print(said(T("Nothing is installed yet. `ccb install` lists what is ready-made.")))
        return
    heads = (T("Integration"), T("Status"), T("Source"), T("Last activity"))
    rows = [(i["slug"], screen.status(i["status"]), i["source"] or "–", screen.ago(i["last_activity"])) for i in found]
    session.console.print(screen.table(heads, rows))


async def activate(session: Session, integration: Which) -> None:
    """Switch on."""
    async with session.engine() as engine:
        now = await engine.post(path("integrations", integration, "activate"))
    _told(session, now)


async def pause(session: Session, integration: Which) -> None:
    """Switch off for a while."""
    async with session.engine() as engine:
        now = await engine.post(path("integrations", integration, "pause"))
    _told(session, now)


def _told(session: Session, integration: dict[str, Any]) -> None:
    if session.json:
        screen.write_json(integration)
        return
    session.console.print(Line.assemble(f"{integration['slug']}  ", screen.status(integration["status"])))


async def config(
    session: Session,
    integration: Which,
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE", help=said(T("What to set; `key=` takes the key away.")), show_default=False
        ),
    ] = None,
) -> None:
    """Show, or change and show."""
    given = values.pairs(changes or [])
    async with session.engine() as engine:
        place = path("integrations", integration)
        if given:
            await _change(engine, place, given)
        shown = await engine.get(f"{place}/config")
        missing = (await engine.get(place))["missing"]
    if session.json:
        screen.write_json(shown)
        return
    _show(session, shown, missing)


async def _change(engine: Engine, place: str, given: dict[str, str]) -> None:
    secret = given.pop(WEBHOOK_SECRET, None)
    if secret == "":
        raise usage(T("The webhook secret can be changed, not taken away: deliveries would not be checked."))
    if given:
        schema = await values.schema_of(engine, await engine.get(place))
        parsed = {key: values.parse(key, text, schema.get(key)) if text else None for key, text in given.items()}
        await engine.patch(f"{place}/config", parsed)
    if secret:
        await engine.patch(f"{place}/webhook-secret", {"secret": secret})


def _show(session: Session, shown: dict[str, Any], missing: list[str]) -> None:
    if shown:
        rows = [(key, values.show(value)) for key, value in sorted(shown.items())]
        session.console.print(screen.table((T("Key"), T("Value")), rows))
    else:
        session.console.print(said(T("Nothing is set; all keys have their defaults.")))
    if missing:
        session.console.print(said(T("Still needed: {missing}", missing=", ".join(missing))), style="yellow")
