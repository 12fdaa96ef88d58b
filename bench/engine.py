"""The engine under measurement: started as people start it, asked over HTTP, its rows counted in its database."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import sys
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from cryptography.fernet import Fernet

from bench import delivery, processes

CCB = [str(Path(sys.executable).with_name("ccb")), "serve", "--json"]
ONE_COMMIT = processes.module("one_commit")
ADMIN_KEY = "ccb_" + secrets.token_hex(24)
SECRET_KEY = Fernet.generate_key().decode()

HANDLER = """
def handle(event: dict, config: dict) -> list[dict]:
    push = event["payload"]
    messages = [commit["message"] for commit in push["commits"]]
    return [{"type": "http_request", "url": "http://HOST/", "json": {"ref": push["ref"], "text": "; ".join(messages)}}]
"""


@dataclass(frozen=True)
class Engine:
    """One that runs."""

    port: int
    folder: Path
    database_url: str | None
    pid: int

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API as an admin."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def install(self, host: str) -> str:
        """Install and activate the integration that is measured; return the path of its webhook."""
        wish = {"package": package(host), "webhook_secret": delivery.SECRET, "activate": True}
        return f"/webhooks/{self.ask('POST', '/v1/integrations', wish)['id']}"

    def stored(self) -> int:
        """Return how many events are stored whole."""
        counted = "SELECT count(*) FROM events JOIN event_bodies ON event_id = id"
        if self.database_url is not None:
            return asyncio.run(_postgres(self.database_url, counted))
        return int(rows(self.folder, counted)[0][0])


@contextmanager
def started(
    folder: Path,
    *,
    roles: str,
    command: list[str] = CCB,
    cores: Collection[int] = processes.ALL_CORES,
    database_url: str | None = None,
    allow: str = "",
    more: Mapping[str, str] | None = None,
) -> Iterator[Engine]:
    """Run an engine on SQLite in `folder`, or on PostgreSQL at `database_url`; `allow`: host:port of the receiver.

    `more`: other settings.
    """
    settings = {
        "CCB_DATA_DIR": str(folder),
        "CCB_BACKUPS": "off",
        "CCB_PORT": "0",
        "CCB_ROLES": roles,
        "CCB_ADMIN_KEY": ADMIN_KEY,
        "CCB_SECRET_KEY": SECRET_KEY,
        "CCB_OUTBOUND_ALLOW": allow,
        "CCB_LOG_LEVEL": "warning",
        "CCB_DATABASE_URL": database_url or "",
        **(more or {}),
    }
    with processes.running(command, cores=cores, environment=settings) as report:
        yield Engine(urlsplit(report["address"]).port or 0, folder, database_url, report["pid"])


def package(host: str) -> dict[str, Any]:
    """Return the package of the integration that is measured: one HTTP request to `host` for each push."""
    manifest = {
        "name": "Benchmark",
        "slug": "benchmark",
        "runtime": 1,
        "source": {"kind": "github", "events": ["push"]},
        "capabilities": {"actions": ["http_request"], "hosts": [host]},
    }
    event = {"id": "d-0", "type": "push", "payload": {"ref": "main", "commits": [{"message": "one"}]}}
    action = {"type": "http_request", "url": f"http://{host}/", "json": {"ref": "main", "text": "one"}}
    return {
        "files": {
            "integration.yaml": json.dumps(manifest),
            "handler.py": HANDLER.replace("HOST", host),
            "samples/push.json": json.dumps({"event": event, "config": {}, "actions": [action]}),
            "README.md": "# Benchmark\n",
        }
    }


def rows(folder: Path, query: str) -> list[Any]:
    """Return what `query` finds in the SQLite database of a data folder."""
    with closing(sqlite3.connect(f"file:{folder / 'ccb.db'}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(query).fetchall()


async def _postgres(url: str, query: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()
