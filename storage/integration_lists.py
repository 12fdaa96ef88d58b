"""Integrations as lists show them: in chunks, with the time of their newest event, in one query each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from storage.events import EVENTS
from storage.integrations import INTEGRATIONS, OWN, PACKAGES, Integration

_LISTED = INTEGRATIONS.c.id != OWN
Row = tuple[Integration, str, float | None]
"""An integration, its package's files (JSON), and when its newest event was received."""


def chunk(connection: sa.Connection, *, after: str = "", offset: int = 0, limit: int) -> list[Row]:
    """Return integrations, oldest first, from the one after the id `after`."""
    query = _select().where(INTEGRATIONS.c.id > after).order_by(INTEGRATIONS.c.id).offset(offset).limit(limit)
    return [_row(row) for row in connection.execute(query).mappings()]


def several(connection: sa.Connection, references: Sequence[str]) -> list[Row]:
    """Return the integrations that have one of these ids or slugs."""
    wanted = list(references)
    query = _select().where(sa.or_(INTEGRATIONS.c.id.in_(wanted), INTEGRATIONS.c.slug.in_(wanted)))
    return [_row(row) for row in connection.execute(query).mappings()]


def count(connection: sa.Connection) -> int:
    """Return how many there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(INTEGRATIONS).where(_LISTED)).scalar_one()


def version(connection: sa.Connection, *, offset: int = 0) -> tuple[str, int]:
    """Return what changes whenever the list from `offset` on does, and how many integrations there are in all.

    It reads neither packages nor secrets: each row's `updated_at` is a time of its own (every write moves it), and the
    newest event is found in an index.
    """
    query = sa.select(INTEGRATIONS.c.id, INTEGRATIONS.c.updated_at, _last_activity()).where(_LISTED)
    query = query.order_by(INTEGRATIONS.c.id)
    digest = hashlib.blake2b(digest_size=12)
    for row in connection.execute(query.offset(offset)):
        digest.update(repr(tuple(row)).encode())
    return digest.hexdigest(), count(connection)


def _select() -> sa.Select[Any]:
    query = sa.select(INTEGRATIONS, PACKAGES.c.files, _last_activity())
    return query.join(PACKAGES, PACKAGES.c.digest == INTEGRATIONS.c.package).where(_LISTED)


def _last_activity() -> sa.Label[float | None]:
    newest = sa.select(EVENTS.c.received_at).where(EVENTS.c.integration_id == INTEGRATIONS.c.id)
    return newest.order_by(EVENTS.c.id.desc()).limit(1).correlate(INTEGRATIONS).scalar_subquery().label("last_activity")


def _row(row: sa.RowMapping) -> Row:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    files, last = values.pop("files"), values.pop("last_activity")
    return Integration(**values), files, last
