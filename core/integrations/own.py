"""The bot's own GitHub webhook, as an integration that is always there: `POST /webhooks/github`.

It is a row like any other, so that accepting, recognising, queueing, retrying and tracing are the same; what it does is
`core.events.own`. Nobody installs, configures or lists it, and its secret is that of the settings.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from core import packages
from core.context import Context
from core.integrations.installed import dump
from storage import integrations as rows
from storage.integrations import OWN

RETRY_ATTEMPTS = 10
"""What somebody said on GitHub is said once: it outlives GitHub's being away for a while."""

FILES = {
    "integration.yaml": (
        "name: Claude Code Bot on GitHub\n"
        "slug: ccb-github\n"
        "version: 1.0.0\n"
        "runtime: 1\n"
        "description: The bot's own webhook. What happens on GitHub moves the requests for integrations.\n"
        "source: {kind: github}\n"
    ),
    "handler.py": (
        '"""The engine itself takes these events up; nothing is left for a handler."""\n\n\n'
        "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
    ),
    "samples/ping.json": '{"event": {"id": "evt_ping", "type": "ping", "payload": {}}, "actions": []}\n',
    "README.md": "The bot's own GitHub webhook.\n",
}


async def ensure(ctx: Context) -> None:
    """Make the row where it is not there yet, and bring its package up to date."""
    package, now = packages.read(FILES), ctx.clock.now()
    kept = {"digest": package.digest, "files": dump(dict(package.files)), "created_at": now}
    row = {
        "id": OWN,
        "slug": package.manifest.slug,
        "name": package.manifest.name,
        "status": "active",
        "package": package.digest,
        "provenance": dump({"kind": "own"}),
        "config": dump({"retry_attempts": RETRY_ATTEMPTS}),
        "sealed": "",
        "created_at": now,
        "updated_at": now,
    }

    def put(connection: sa.Connection) -> None:
        values = {"package": package.digest, "config": row["config"], "status": "active"}
        if not rows.change(connection, OWN, expected={}, values=values, package=kept):
            rows.add(connection, package=kept, integration=row, entries=[])

    try:
        await ctx.db.write(put)
    except IntegrityError:  # another node has made it at this very moment
        return
