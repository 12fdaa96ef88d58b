"""`ccb restore`: put a backup in place of the database, while the engine is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import screen
from core.cli.backup import inside
from core.cli.command import Session, command
from core.cli.language import said
from core.cli.serve import program
from core.cli.settings import load_settings
from core.cli.starting import explained
from core.texts import T, Text

if TYPE_CHECKING:  # which takes a second to import
    from core.backups.restoring import Restored


def add(parent: typer.Typer) -> None:
    """Add the command."""
    help = T("Put a backup in place of the database; the engine must be stopped, and what was there is kept aside.")
    command(parent, "restore", help, remote=False)(restore)


async def restore(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=said(T("The backup's file.")))],
    force: Annotated[
        bool, typer.Option("--force", help=said(T("Also where the data here are newer than the backup.")))
    ] = False,
) -> None:
    """Restore, and say what is in place now and what is to be done."""
    from core.backups import restoring  # here: no other command should wait for these imports

    with explained():
        done = await restoring.restore(load_settings(), file, force=force)
    if session.json:
        screen.write_json(
            {"file": str(file), "made_at": done.backup.manifest.made_at if done.backup.manifest else None,
             "revision": done.backup.revision, "counts": done.backup.counts,
             "aside": str(done.aside) if done.aside else None, "key": done.key}
        )  # fmt: skip
        return
    _tell(session, done)


def _tell(session: Session, done: Restored) -> None:
    console = session.console
    manifest = done.backup.manifest
    file = screen.clean(done.backup.file)
    told = (
        T("{file} is in place, of {when}.", file=file, when=screen.when(manifest.made_at))
        if manifest
        else T("{file} is in place.", file=file)
    )
    console.print(screen.marked("✓", "green", said(told), by=0))
    console.print(screen.indented(inside(done.backup.counts, done.backup.revision)))
    if done.aside is not None:
        console.print(
            screen.indented(said(T("What was here before is kept in {aside}.", aside=screen.clean(done.aside)))),
            soft_wrap=True,
        )
    mark, style, key = _key(done)
    console.print(screen.marked(mark, style, said(key), by=0))
    console.print(
        said(
            T(
                "What came in after the backup is not there any more. What was under way at that time is done again, "
                "with the same idempotency keys; keys that were revoked since then are valid again."
            )
        )
    )
    console.print(said(T("Start the engine: {command}", command=f"{program()} serve")))


def _key(done: Restored) -> tuple[str, str, Text]:
    match done.key:
        case "fits":
            return "✓", "green", T("The key of the secrets here is that of the backup.")
        case "another":
            return "✗", "red", T(
                "The key of the secrets here is not that of the backup: before you start, put back the secret.key or "
                "CCB_SECRET_KEY of that time (it may be a list), or the secrets cannot be read."
            )  # fmt: skip
        case "none":
            return "✗", "red", T(
                "The key of the secrets is not here: before you start, put back secret.key (mode 600) or set "
                "CCB_SECRET_KEY. Without it a new one is made, and the secrets cannot be read."
            )  # fmt: skip
        case _:
            return "–", "yellow", T(
                "Without the backup's manifest nobody can say whether the key of the secrets here is the right one."
            )  # fmt: skip
