"""`ccb install`: a ready-made integration, configured and switched on in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.text import Text as Line

from core.cli import asking, screen, values
from core.cli.command import Session, command
from core.cli.failure import usage
from core.cli.language import said
from core.cli.serve import program
from core.errors import Invalid
from core.redaction import is_mask
from core.texts import T, Text

WIDE = 100
"""Columns from which the list of the gallery has room for a third one."""
MAY: dict[str, tuple[Text, str | None]] = {
    "http_request": (T("send HTTP requests to {where}"), "hosts"),
    "slack_message": (T("post to Slack in {where}"), "channels"),
    "github_comment": (T("open and comment on issues of {where}"), "repositories"),
    "email": (T("send e-mail to {where}"), "recipients"),
    "log": (T("write to its own log"), None),
}
"""What each action lets an integration do, and the capability that says where."""


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(parent, "install", T("Install a ready-made integration; without a name, list them."))(install)


async def install(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help=said(T("Its name in the list.")), show_default=False)
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(
            "--config", "-c", metavar="KEY=VALUE", help=said(T("A value of its configuration; can be given often."))
        ),
    ] = None,
    webhook_secret: Annotated[
        str | None,
        typer.Option(
            metavar="SECRET", help=said(T("What its sender signs with, if that is there already; else one is made."))
        ),
    ] = None,
    no_activate: Annotated[bool, typer.Option("--no-activate", help=said(T("Leave it switched off.")))] = False,
    slug: Annotated[str | None, typer.Option(metavar="SLUG", help=said(T("Another slug, to have it twice.")))] = None,
) -> None:
    """List the gallery, or install one of it."""
    async with session.engine() as engine:
        gallery = await engine.get("/v1/gallery")
        if name is None:
            _listed(session, gallery)
            return
        entry = next((entry for entry in gallery if entry["name"] == name), None)
        body = {
            "gallery": name,
            "config": _configured(session, entry, config or [], activate=not no_activate),
            "activate": not no_activate,
            "webhook_secret": webhook_secret,
            "slug": slug,
        }
        made = await engine.post("/v1/integrations", {key: value for key, value in body.items() if value is not None})
    if session.json:
        screen.write_json(made)
        return
    _shown(session, made)


def _listed(session: Session, gallery: list[dict[str, Any]]) -> None:
    if session.json:
        screen.write_json(gallery)
        return
    rows = [(entry["name"], entry["description"], entry["source"]) for entry in gallery]
    heads = (T("Name"), T("What it does"), T("Source"))
    shown = 3 if session.console.width >= WIDE else 2
    session.console.print(screen.table(heads[:shown], [row[:shown] for row in rows]))
    session.console.print(f"\n  {program()} install <{said(T('name'))}>", style="cyan")


def _configured(
    session: Session, entry: Mapping[str, Any] | None, given: list[str], *, activate: bool
) -> dict[str, Any]:
    """Return the configuration: what was given, and what is missing as somebody answers; raise `CliError` otherwise."""
    if entry is None:  # the engine will say so, and which there are
        return {}
    schema = entry["config"].get("properties", {})
    known = {**values.ENGINE, **schema}
    config = {key: values.parse(key, text, known.get(key)) for key, text in values.pairs(given).items()}
    missing = [key for key in entry["config"].get("required", []) if key not in config]
    if not missing or not activate:
        return config
    if not session.interactive:
        calls = " ".join(f"--config {key}=…" for key in missing)
        raise usage(
            T(
                "{name} needs: {missing}. Give them: {calls}",
                name=entry["name"],
                missing=", ".join(missing),
                calls=calls,
            ),
            missing=missing,
        )
    return config | {key: _asked(key, schema.get(key, {})) for key in missing}


def _asked(key: str, schema: Mapping[str, Any]) -> Any:
    title, about = screen.clean(schema.get("title", key)), screen.clean(schema.get("description", ""))
    examples = [values.show(example) for example in schema.get("examples", [])]
    if examples:
        about = f"{about} {said(T('Such as: {examples}', examples=' · '.join(examples)))}".strip()
    asker = asking.Asker()
    asker.explain(about)
    while True:
        text = asker.ask(f"{title} ({key})" if title != key else key, secret=schema.get("x-secret") is True)
        if text:
            return values.parse(key, text, schema)


def _shown(session: Session, made: dict[str, Any]) -> None:
    slug, active = made["slug"], made["status"] == "active"
    told = (
        T("{name} is installed and active.", name=slug) if active else T("{name} is installed, not active.", name=slug)
    )
    lines = [(T("It may"), text) for text in allowed(made["capabilities"], made["config"])]
    lines.append((T("Webhook"), made["webhook_url"]))
    if made.get("webhook_secret"):
        lines.append((T("Secret"), made["webhook_secret"]))
    if made["missing"]:
        lines.append((T("Needed"), ", ".join(made["missing"])))
    lines.append((T("Next"), f"{program()} {_next(made)}"))
    console = session.console
    console.print(Line.assemble("  ", ("✓ ", "green"), (said(told), "bold")))
    column = max(cell_len(said(head)) for head, _ in lines) + 2
    former = None
    for head, text in lines:
        shown = said(head) if head != former else ""
        console.print(f"    {shown}{' ' * (column - cell_len(shown))}{screen.clean(text)}", soft_wrap=True)
        former = head
    if made.get("webhook_secret"):
        told = T("The secret is shown this once: give it to the service together with the webhook address.")
        console.print(screen.indented(said(told), by=4))


def _next(made: Mapping[str, Any]) -> str:
    if made["missing"]:
        return f"config {made['slug']} " + " ".join(f"{key}=…" for key in made["missing"])
    return f"{'send' if made['status'] == 'active' else 'activate'} {made['slug']}"


def allowed(capabilities: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Return in words what an integration with these capabilities and this configuration may do."""
    return [_may(action, capabilities, config) for action in capabilities["actions"]]


def _may(action: str, capabilities: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    text, kind = MAY.get(action, (T("{action}", action=action), None))
    if kind is None:
        return said(text)
    places = [place for entry in capabilities.get(kind, []) for place in _places(entry, config, kind)]
    where = ", ".join(dict.fromkeys(places)) or "–"
    return said(replace(text, values=(("where", where),)))


def _places(entry: Any, config: Mapping[str, Any], kind: str) -> list[str]:
    """Return what an entry stands for: itself, or the configuration's value that it names."""
    if isinstance(entry, str):
        return [entry]
    value = config.get(entry["$config"])
    if value is None:
        return [f"<{entry['$config']}>"]
    return [_place(str(one), kind) for one in (value if isinstance(value, list) else [value])]


def _place(value: str, kind: str) -> str:
    if kind != "hosts" or is_mask(value):
        return value
    from core.grants import host_of  # here: no other command should wait for this import

    try:
        return host_of(value)
    except Invalid:  # nothing has checked it before the activation
        return value
