"""`ccb backup`: make a backup, list them, look whether one is whole."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli import screen
from core.cli.client import Engine, path
from core.cli.command import Session, command, group
from core.cli.failure import UNREACHABLE, CliError, refused, usage
from core.cli.language import said
from core.cli.settings import load_settings
from core.cli.starting import explained
from core.texts import TN, T

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 60.0
"""For how long it may wait that some node begins."""


def add(parent: typer.Typer) -> None:
    """Add the commands."""
    help = T("Make a backup of the database now, or report one that was made by other means.")
    backups = group("backup", help, itself=True)
    command(backups, None, help)(backup)
    command(backups, "list", T("List the backups."))(list_all)
    command(backups, "verify", T("Read a backup as a whole, and say whether it is good."), remote=False)(verify)
    parent.add_typer(backups)


async def backup(
    session: Session,
    reported: Annotated[
        bool, typer.Option("--reported", help=said(T("Make none: say that one was made by other means just now.")))
    ] = False,
    note: Annotated[
        str, typer.Option(metavar="TEXT", help=said(T("What people should know of the reported one.")))
    ] = "",
) -> None:
    """Make one through the running engine, else directly."""
    if note and not reported:
        raise usage(T("--note belongs to a backup that is --reported."))
    try:
        async with session.engine() as engine:
            made = await _reported(engine, note) if reported else await _made(session, engine)
    except CliError as error:
        if reported or session.url or error.code != UNREACHABLE:
            raise
        made = await _directly(session)
    if session.json:
        screen.write_json(made)
    else:
        _tell(session, made)


async def list_all(session: Session) -> None:
    """List those that the engine knows; where none runs, those in the folder."""
    try:
        async with session.engine() as engine:
            found = await engine.get("/v1/backups")
    except CliError as error:
        if session.url or error.code != UNREACHABLE:
            raise
        found = await asyncio.to_thread(_in_the_folder)
    if session.json:
        screen.write_json(found)
        return
    if not found:
        session.console.print(said(T("There are no backups yet. Make one: ccb backup")))
        return
    heads = (T("Of"), T("State"), T("Size"), T("By"), T("Where"))
    rows = [
        (
            screen.when(one["made_at"] or one["asked_at"]),
            screen.status(one["status"]),
            screen.size(one["size"]) if one["size"] is not None else "–",
            one["asked_by"],
            one["error"] or one["file"] or one["note"] or "–",
        )
        for one in found
    ]
    session.console.print(screen.table(heads, rows, whole=(0, 1, 2)))


async def verify(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=said(T("The backup's file.")))],
) -> None:
    """Look at one."""
    from core.backups.examining import examine  # here: no other command should wait for these imports

    with explained(), _waiting(session, said(T("The backup is read …"))):
        found = await asyncio.to_thread(examine, file)
    if session.json:
        screen.write_json(
            {"file": str(file), "good": True, "kind": found.kind, "manifest": found.manifest is not None,
             "revision": found.revision, "counts": found.counts}
        )  # fmt: skip
        return
    console = session.console
    console.print(screen.marked("✓", "green", said(T("{file} is good.", file=screen.clean(file))), by=0))
    console.print(screen.indented(inside(found.counts, found.revision)))
    if found.manifest is None:
        console.print(
            screen.indented(said(T("Its manifest is not beside it, so nothing says whether it is as it was made.")))
        )


def inside(counts: dict[str, int], revision: str | None) -> str:
    """Say in a line what a backup holds."""
    parts = []
    if "events" in counts:
        parts.append(said(TN("{n} event", "{n} events", counts["events"], n=screen.number(counts["events"]))))
    if "audit" in counts:
        parts.append(said(TN("{n} change", "{n} changes", counts["audit"], n=screen.number(counts["audit"]))))
    if revision is not None:
        parts.append(said(T("schema {revision}", revision=screen.clean(revision))))
    return " · ".join(parts)


async def _reported(engine: Engine, note: str) -> Any:
    return await engine.post("/v1/backups", {"made_elsewhere": {"note": note}})


async def _made(session: Session, engine: Engine) -> Any:
    """Ask for one, and wait until it is made."""
    found = await engine.post("/v1/backups")
    began = time.monotonic()
    with _waiting(session, said(T("The backup is made …"))):
        while found["status"] in ("waiting", "running"):
            if found["status"] == "waiting" and time.monotonic() - began > PATIENCE_SECONDS:
                raise refused(
                    T(
                        "The backup {backup} has not been begun for a minute. Does a node with the role scheduler run? "
                        "It is made as soon as one does.",
                        backup=found["id"],
                    ),
                    error="Backup waits", id=found["id"],
                )  # fmt: skip
            await asyncio.sleep(LOOK_SECONDS)
            found = await engine.get(path("backups", found["id"]))
    if found["status"] == "failed":
        raise refused(
            T("The backup failed: {reason}", reason=found["error"] or "?"), error="Backup failed", id=found["id"]
        )
    return found


async def _directly(session: Session) -> Any:
    from core.backups import direct  # here: no other command should wait for these imports

    with explained(), _waiting(session, said(T("The backup is made …"))):
        made = await direct.back_up(load_settings())
    return _row(made.path, made.manifest)


def _in_the_folder() -> list[Any]:
    from core.backups import direct  # here: no other command should wait for these imports

    return [_row(file, manifest) for file, manifest in direct.there(load_settings())]


def _row(file: Path, manifest: Any) -> dict[str, Any]:
    """Return what is in the folder as the engine would show it."""
    shown = manifest.model_dump(mode="json", exclude={"format", "made_by"})
    return {
        **shown, "status": "succeeded", "file": str(file), "asked_at": manifest.made_at,
        "asked_by": manifest.made_by.name, "finished_at": None, "node": None, "note": None, "error": None,
    }  # fmt: skip


def _waiting(session: Session, words: str) -> Any:
    console = screen.out(stderr=True)
    return console.status(words) if console.is_terminal and not session.json else nullcontext()


def _tell(session: Session, made: Any) -> None:
    console = session.console
    if made["kind"] == "elsewhere":
        told = T("Written down: a backup was made elsewhere at {when}.", when=screen.when(made["made_at"]))
        console.print(screen.marked("✓", "green", said(told), by=0))
        return
    told = T("Backup made: {file} ({size}, {took})", file=screen.clean(made["file"]), size=screen.size(made["size"]),
             took=screen.duration(made["seconds"] * 1e3))  # fmt: skip
    console.print(screen.marked("✓", "green", said(told), by=0), soft_wrap=True)
    console.print(screen.indented(inside(made["counts"], made["revision"])))
    console.print(screen.indented(f"SHA-256 {made['sha256']}"), soft_wrap=True)
    where = "secret.key" if load_settings().secret_key is None else "CCB_SECRET_KEY"
    console.print(
        screen.indented(
            said(T("The key of the secrets is not in it: keep {key} as well, in another place.", key=where))
            if session.url is None
            else said(T("The key of the secrets is not in it: keep it as well, in another place."))
        )
    )
