"""`ccb keys`: the API keys that programs show."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text as Line

from core.cli import screen
from core.cli.client import path
from core.cli.command import Session, command, group
from core.cli.language import said
from core.texts import T


def add(parent: typer.Typer) -> None:
    """Add the commands."""
    keys = group("keys", T("API keys for programs."))
    command(keys, "list", T("List the keys."))(list_all)
    command(keys, "create", T("Make a key; it is shown once."))(create)
    command(keys, "revoke", T("End a key at once."))(revoke)
    parent.add_typer(keys)


async def list_all(session: Session) -> None:
    """List keys."""
    async with session.engine() as engine:
        found = await engine.get("/v1/auth/tokens")
    if session.json:
        screen.write_json(found)
        return
    if not found:
        session.console.print(said(T("There are no keys.")))
        return
    heads = (T("Id"), T("Name"), T("Permissions"), T("State"), T("Last used"))
    rows = [
        (
            key["id"],
            f"{key['name']}\n{key['prefix']}",
            "\n".join(key["permissions"]),
            _state(key),
            screen.ago(key["last_used_at"]),
        )
        for key in found
    ]
    session.console.print(screen.table(heads, rows, whole=(0, 3)))


async def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help=said(T("What it is for.")))],
    permission: Annotated[
        list[str],
        typer.Option("--permission", "-p", metavar="PERMISSION", help=said(T("What it may do; can be given often."))),
    ],
    expires: Annotated[str | None, typer.Option(metavar="30d", help=said(T("When it ends: 12h, 30d …")))] = None,
) -> None:
    """Make a key."""
    names = [part.strip() for given in permission for part in given.split(",") if part.strip()]
    body: dict[str, Any] = {"name": name, "permissions": names}
    if expires:
        body["expires_at"] = expires
    async with session.engine() as engine:
        made = await engine.post("/v1/auth/tokens", body)
    if session.json:
        screen.write_json(made)
        return
    console = session.console
    console.print(said(T("The key {name}, shown once:", name=repr(screen.clean(made["name"])))))
    console.print(Line.assemble("  ", (made["token"], "bold yellow")), soft_wrap=True)
    if made.get("expires_at"):
        console.print(said(T("It ends at {when}.", when=screen.when(made["expires_at"]))))


async def revoke(
    session: Session,
    key_id: Annotated[str, typer.Argument(metavar="ID", help=said(T("Its id, from `ccb keys list`.")))],
) -> None:
    """End a key."""
    async with session.engine() as engine:
        answer = await engine.delete(path("auth", "tokens", key_id))
    if session.json:
        screen.write_json(answer or {"id": key_id, "revoked": True})
        return
    session.console.print(said(T("The key {key} is revoked.", key=screen.clean(key_id))))


def _state(key: dict[str, Any]) -> Line:
    match key["status"]:
        case "revoked":
            return Line(f"– {said(T('revoked'))}", style="dim")
        case "expired":
            return Line(f"✗ {said(T('expired'))}", style="red")
        case _ if key["expires_at"]:
            return Line(f"✓ {said(T('until {when}', when=screen.day(key['expires_at'])))}", style="green")
        case _:
            return Line(f"✓ {said(T('valid'))}", style="green")
