"""PostgreSQL's own tools: pg_dump and pg_restore. The password goes by the environment, never by the command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from sqlalchemy.engine import make_url

from core.errors import CcbError
from core.texts import T
from storage.sqlite_copy import DamagedError, StoppedError

_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE \S+ (\S+) ", re.MULTILINE)
NOT_FOUND = "Tool not found"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_", "LD_", "PG", "TMPDIR", "TZ")
"""What the tools get of the environment: none of the engine's secrets is among it."""
LOOK_SECONDS = 0.1
LONGEST = 600
"""Characters of what a tool said that are shown."""


def dump(url: str, target: Path, *, stopped: Callable[[], bool]) -> None:
    """Write the whole database into a file of pg_dump's custom format, as it is at one moment.

    Raises `CcbError` with the tool's own words, `StoppedError` once `stopped()`.
    """
    run("pg_dump", ["--format=custom", f"--file={target}"], url=url, stopped=stopped)


def check(file: Path, *, stopped: Callable[[], bool] = bool) -> None:
    """Read a dump from its beginning to its end; raise `DamagedError`, or `StoppedError` once `stopped()`."""
    try:
        run("pg_restore", [f"--file={os.devnull}", str(file)], stopped=stopped)
    except CcbError as error:
        if error.error == NOT_FOUND:
            raise
        raise DamagedError(str(error.details["said"])) from None


def restore(url: str, file: Path) -> None:
    """Put a dump in place of what the database holds of the same tables: all of it or, after an error, nothing."""
    how = ["--clean", "--if-exists", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    run("pg_restore", [*how, str(file)], url=url, stopped=bool)


def tables(file: Path) -> set[str]:
    """Return the names of the tables in a dump."""
    with tempfile.TemporaryDirectory() as place:
        listed = Path(place) / "list"
        run("pg_restore", ["--list", f"--file={listed}", str(file)], stopped=bool)
        return set(_TABLE.findall(listed.read_text(encoding="utf-8", errors="replace")))


def run(tool: str, arguments: Sequence[str], *, url: str | None = None, stopped: Callable[[], bool]) -> None:
    """Run a tool, on the database at `url`; raise `CcbError` with what it said when it fails."""
    program = shutil.which(tool)
    if program is None:
        raise CcbError(
            T(
                "{tool} is not found on {node}. Install PostgreSQL's client of the server's version or newer (Debian: "
                "postgresql-client); or, where the database is backed up by other means, set CCB_BACKUPS=elsewhere "
                "and report each backup (`ccb backup --reported`).",
                tool=tool,
                node=os.uname().nodename,
            ),
            error=NOT_FOUND,
            tool=tool,
        )
    given, secrets = _connection(url) if url is not None else ([], {})
    environment = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)} | secrets
    with tempfile.TemporaryFile() as said:
        command = [program, *given, *arguments]
        with subprocess.Popen(  # noqa: S603 - PostgreSQL's own tools, with arguments that are ours
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        ) as process:
            _wait(process, stopped)
        if process.returncode:
            words = _words(said, secrets.get("PGPASSWORD"))
            raise CcbError(
                T("{tool} failed: {reason}", tool=tool, reason=words), error="Backup failed", tool=tool, said=words
            )


def _wait(process: subprocess.Popen[bytes], stopped: Callable[[], bool]) -> None:
    pause = threading.Event()
    while process.poll() is None:
        if stopped():
            process.terminate()
            process.wait()
            raise StoppedError
        pause.wait(LOOK_SECONDS)


def _connection(url: str) -> tuple[list[str], dict[str, str]]:
    """Return the arguments that name the database, and the environment with what nobody else may read."""
    parsed = make_url(url).set(drivername="postgresql")
    query = {name: value if isinstance(value, str) else value[-1] for name, value in parsed.query.items()}
    if "ssl" in query:  # asyncpg's word
        query["sslmode"] = query.pop("ssl")
    password = query.pop("password", None) or parsed.password
    address = make_url("postgresql://").set(
        username=parsed.username, host=parsed.host, port=parsed.port, database=parsed.database, query=query
    )
    secrets = {"PGPASSWORD": str(password)} if password else {}
    return [f"--dbname={address.render_as_string(hide_password=False)}", "--no-password"], secrets


def _words(said: IO[bytes], password: str | None) -> str:
    """Return a tool's last words, on one line, without the password."""
    said.seek(0)
    text = " ".join(said.read().decode(errors="replace").split())
    if password:
        text = text.replace(password, "***")
    return text[-LONGEST:] or "no reason given"
