"""What the command line does where no engine runs: a backup, and the list of them.

The engine writes down what it finds in its folder when it starts next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from core.actors import LOCAL
from core.backups import folder as places
from core.backups.making import Made, Order, make
from core.backups.manifest import Manifest, maker
from core.backups.service import counted
from core.clock import SystemClock
from core.config import Settings
from core.errors import NotFound
from core.ids import new_id
from core.secret_box import fingerprints_of
from core.texts import T
from storage.db import Database, open_database
from storage.sqlite import lock_folder, sqlite_path


async def back_up(settings: Settings) -> Made:
    """Make a backup of a database that no engine of this folder has open; raises `CcbError`, `AlreadyRunningError`."""
    at = SystemClock().now()
    fingerprints = fingerprints_of(settings)
    revision: str | None = None
    counts: dict[str, int] = {}
    with alone(settings):
        if settings.database_url is not None:
            async with opened(settings.database_url.get_secret_value()) as db:
                revision, counts = await db.alone(counted)
        elif not sqlite_path(settings.data_dir).exists():
            raise NotFound(T("There is no database in {folder}: nothing to back up.", folder=str(settings.data_dir)))
        order = Order(
            new_id("bak", at), settings, maker(LOCAL), at, fingerprints, revision=revision, counts=counts
        )  # fmt: skip
        return await asyncio.to_thread(make, order, stopped=bool)


def there(settings: Settings) -> list[tuple[Path, Manifest]]:
    """Return the whole backups in this node's folder, the newest first."""
    return places.whole(settings.backup_folder)[::-1]


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Have the data folder to oneself where it holds the database; raises `AlreadyRunningError`."""
    if settings.database_url is not None:
        yield
        return
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_folder(settings.data_dir):
        yield


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Give PostgreSQL for as long as the context."""
    db = await open_database(url, Path())
    try:
        yield db
    finally:
        await db.close()
