"""`ccb dashboard`: a link that signs in to the dashboard once."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer
from rich.text import Text as Line

from core.cli import screen
from core.cli.command import Session, command
from core.cli.language import said
from core.texts import T


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(parent, "dashboard", T("Sign in to the dashboard: print a link that works once, for five minutes."))(
        open_it
    )


async def open_it(
    session: Session,
    open_: Annotated[bool, typer.Option("--open", help=said(T("Open it in this machine's browser.")))] = False,
) -> None:
    """Make a link, and open it where that is wished."""
    async with session.engine() as engine:
        link = await engine.post("/v1/dashboard/links")
    if session.json:
        screen.write_json(link)
        return
    console = session.console
    console.print(
        said(T("Open this to be signed in; it works once, until {when}:", when=screen.when(link["expires_at"])))
    )
    console.print(Line.assemble("  ", (screen.clean(link["url"]), "bold")), soft_wrap=True)
    if link["local_url"] != link["url"]:
        console.print(said(T("Or, on the engine's own machine:")))
        console.print(Line.assemble("  ", (screen.clean(link["local_url"]), "bold")), soft_wrap=True)
    if open_ and not webbrowser.open(link["url"] if session.url else link["local_url"]):
        console.print(said(T("No browser could be started here: copy the address.")))
