"""Databases with the newest schema, made once in a process and copied: hundreds of tests begin with one."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from storage import migrate
from storage.sqlite import sqlite_engine, sqlite_path


def sqlite_in(folder: Path) -> None:
    """Put a SQLite database into a data folder that has none yet."""
    path = sqlite_path(folder)
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        shutil.copyfile(_sqlite(), path)


@cache
def _sqlite() -> Path:
    path = sqlite_path(Path(tempfile.mkdtemp(prefix="ccb-template-")))
    engine = sqlite_engine(path, writer=True)
    with engine.begin() as connection:
        migrate.upgrade(connection)
    engine.dispose()
    return path
