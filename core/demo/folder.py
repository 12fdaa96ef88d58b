"""The demonstration's own data folder: made anew for each run, and never anybody else's."""

from __future__ import annotations

import fcntl
import getpass
import os
import shutil
import tempfile
from pathlib import Path

from core.errors import Conflict, Denied
from core.texts import T

MARKER = "demonstration"
"""A file that says what the folder is: only one that has it is emptied."""
_SOCKET = "ccb.sock"
_LONGEST = 100
"""Bytes of a socket's path; the system's limit is 104 or 108 (unix(7))."""


def usual() -> Path:
    """Return the folder that is taken when none is named: the same one for each run of this user."""
    return Path(tempfile.gettempdir()) / f"ccb-demo-{getpass.getuser()}"


def prepare(folder: Path) -> bool:
    """Make `folder`, or empty the one of an earlier demonstration; return whether there was one.

    Raises `Conflict` for a folder that holds anything else, or where a demonstration runs, and `Denied` for one that
    belongs to somebody else.
    """
    if len(os.fsencode(folder / _SOCKET)) > _LONGEST:
        raise Conflict(
            T("The path {folder} is too long for a socket. Name a shorter one: --folder.", folder=str(folder))
        )
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Conflict(T("{folder} is no folder. Name another one: --folder.", folder=str(folder)))
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        (folder / MARKER).touch()
        return False
    if folder.stat().st_uid != os.getuid():
        raise Denied(T("{folder} belongs to somebody else. Name another one: --folder.", folder=str(folder)))
    return _emptied(folder)


def _emptied(folder: Path) -> bool:
    found = list(folder.iterdir())
    if found and not (folder / MARKER).is_file():
        raise Conflict(
            T("{folder} holds something else than a demonstration, which would be lost. Name another one: --folder.",
              folder=str(folder))
        )  # fmt: skip
    _refuse_running(folder)
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    folder.chmod(0o700)
    (folder / MARKER).touch()
    return bool(found)


def _refuse_running(folder: Path) -> None:
    """Raise `Conflict` while an engine holds the folder's lock (`storage.sqlite`)."""
    lock = folder / "ccb.lock"
    if not lock.is_file():
        return
    with lock.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = held.read().strip() or "?"
            raise Conflict(
                T("A demonstration runs in {folder} (process {pid}). Stop it first (Ctrl-C), or name another folder: "
                  "--folder.", folder=str(folder), pid=pid)
            ) from None  # fmt: skip
