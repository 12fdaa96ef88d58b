"""`make migration name="…"`: write the next migration, from how the tables differ from the migrations there are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from storage import migrate

VERSIONS = Path(__file__).parent / "versions"


def write(message: str, *, folder: Path = VERSIONS) -> Path | None:
    """Write `NNNN_<message>.py` into `folder` and return its path; None when nothing differs."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        _, head = migrate.upgrade(connection)
        settings = migrate.config(connection)
        if folder != VERSIONS:
            settings.set_main_option("path_separator", "newline")
            settings.set_main_option("version_locations", f"{VERSIONS}\n{folder}")
        number = f"{int(head) + 1:04d}"
        command.revision(
            settings, message, autogenerate=True, rev_id=number, version_path=str(folder),
            process_revision_directives=_unless_empty,
        )  # fmt: skip
        written = {script.revision: script.path for script in ScriptDirectory.from_config(settings).walk_revisions()}
    engine.dispose()
    return Path(written[number]) if number in written else None


def _unless_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    if directives[0].upgrade_ops.is_empty():
        directives.clear()


def main(arguments: Sequence[str]) -> int:
    """Write it, and say where it is."""
    message = " ".join(arguments).strip()
    if not message:
        sys.stderr.write('Say what it does: make migration name="add the column colour to events"\n')
        return 2
    path = write(message)
    sys.stdout.write(f"{path}\n" if path else "The migrations already give what the tables ask for.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
