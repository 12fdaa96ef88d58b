"""Integrations as lists show them, and the requests of which none has come yet: in chunks, merged by their ids."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from ulid import ULID

from storage.events import EVENTS, last_activity
from storage.gaps import CHECKS, check_of
from storage.integrations import INTEGRATIONS, OWN, PACKAGES, Integration
from storage.requests import REQUESTS, IntegrationRequest, get


class Own(NamedTuple):
    """An integration, its package's files (JSON), and when its newest event was received."""

    integration: Integration
    files: str
    last: float | None


class Row(NamedTuple):
    """What a list has under one id: an integration, the request that it came of, or a request alone."""

    id: str
    own: Own | None
    request: IntegrationRequest | None


_LISTED = INTEGRATIONS.c.id != OWN
"""The bot's own is no integration of anybody's."""
_UNFINISHED = sa.and_(
    REQUESTS.c.status != "installed",
    ~sa.exists().where(INTEGRATIONS.c.id == REQUESTS.c.id).correlate(REQUESTS),
)
_SHOWN = [
    REQUESTS.c[name]
    for name in ("updated_at", "status", "stage", "slug", "title", "pull", "pull_state", "issue", "error_details")
]
"""What is shown of a request and can change."""


def chunk(connection: sa.Connection, *, after: str = "", offset: int = 0, limit: int) -> list[Row]:
    """Return integrations and unfinished requests, oldest first, from the one after the id `after`."""
    every = _ids(INTEGRATIONS.c.id > after, REQUESTS.c.id > after)
    return _rows(connection, connection.execute(every.order_by("id").offset(offset).limit(limit)).scalars().all())


def several(connection: sa.Connection, references: Sequence[str]) -> list[Row]:
    """Return what has one of these ids or slugs."""
    wanted = list(references)
    every = _ids(
        sa.or_(INTEGRATIONS.c.id.in_(wanted), INTEGRATIONS.c.slug.in_(wanted)),
        sa.or_(REQUESTS.c.id.in_(wanted), REQUESTS.c.slug.in_(wanted)),
    )
    return _rows(connection, connection.execute(every.order_by("id")).scalars().all())


def beside(connection: sa.Connection, integration_id: str) -> tuple[float | None, IntegrationRequest | None]:
    """Return when an integration's newest event was received, and the request that it came of."""
    last = activity(last_activity(connection, integration_id), check_of(connection, integration_id).event_mark)
    return last, get(connection, integration_id)


def activity(newest: float | None, mark: str | None) -> float | None:
    """Return when an integration's newest event was received, also where it is deleted: its id is its time."""
    kept = ULID.from_str(mark.removeprefix("evt_")).timestamp if mark else None
    return max((at for at in (newest, kept) if at is not None), default=None)


def newest(connection: sa.Connection, *, limit: int) -> list[Row]:
    """Return the newest integrations, newest first; requests alone are not among them."""
    ids = sa.select(INTEGRATIONS.c.id).where(_LISTED).order_by(INTEGRATIONS.c.id.desc()).limit(limit)
    return _rows(connection, connection.execute(ids).scalars().all())


def count(connection: sa.Connection, *, asked: bool = True) -> int:
    """Return how many there are; `asked`: unfinished requests too."""
    integrations = sa.select(sa.func.count()).select_from(INTEGRATIONS).where(_LISTED)
    found = connection.execute(integrations).scalar_one()
    if not asked:
        return found
    requests = sa.select(sa.func.count()).select_from(REQUESTS).where(_UNFINISHED)
    return found + connection.execute(requests).scalar_one()


def version(connection: sa.Connection, *, offset: int = 0) -> tuple[str, int]:
    """Return what changes whenever the list from `offset` on does, and how much there is in all.

    It reads neither packages nor secrets: each integration's `updated_at` is a time of its own (every write moves it),
    and the newest event is found in an index.
    """
    own = sa.select(INTEGRATIONS.c.id, INTEGRATIONS.c.updated_at.label("own"), _last_activity(), *_SHOWN)
    nothing = sa.cast(sa.null(), sa.Float)
    asked = sa.select(REQUESTS.c.id, nothing.label("own"), nothing.label("last_activity"), *_SHOWN)
    every = sa.union_all(
        own.select_from(INTEGRATIONS.outerjoin(REQUESTS, REQUESTS.c.id == INTEGRATIONS.c.id)).where(_LISTED),
        asked.where(_UNFINISHED),
    )
    digest = hashlib.blake2b(digest_size=12)
    for row in connection.execute(every.order_by("id").offset(offset)):
        digest.update(repr(tuple(row)).encode())
    return digest.hexdigest(), count(connection)


def _ids(own: sa.ColumnElement[bool], asked: sa.ColumnElement[bool]) -> sa.CompoundSelect[Any]:
    """Return the query of the ids of those integrations, and of those requests that are unfinished."""
    return sa.union_all(
        sa.select(INTEGRATIONS.c.id).where(own, _LISTED), sa.select(REQUESTS.c.id).where(asked, _UNFINISHED)
    )


def _rows(connection: sa.Connection, ids: Sequence[str]) -> list[Row]:
    if not ids:
        return []
    query = sa.select(INTEGRATIONS, PACKAGES.c.files, _last_activity(), _mark()).join(
        PACKAGES, PACKAGES.c.digest == INTEGRATIONS.c.package
    )
    found = connection.execute(query.where(INTEGRATIONS.c.id.in_(ids))).mappings()
    own = {row["id"]: _own(row) for row in found}
    requests = connection.execute(sa.select(REQUESTS).where(REQUESTS.c.id.in_(ids))).mappings()
    asked = {row["id"]: IntegrationRequest(**row) for row in requests}
    return [Row(one, own.get(one), asked.get(one)) for one in ids if one in own or one in asked]


def _last_activity() -> sa.Label[float | None]:
    newest = sa.select(EVENTS.c.received_at).where(EVENTS.c.integration_id == INTEGRATIONS.c.id)
    return newest.order_by(EVENTS.c.id.desc()).limit(1).correlate(INTEGRATIONS).scalar_subquery().label("last_activity")


def _mark() -> sa.Label[str | None]:
    kept = sa.select(CHECKS.c.event_mark).where(CHECKS.c.integration_id == INTEGRATIONS.c.id)
    return kept.correlate(INTEGRATIONS).scalar_subquery().label("event_mark")


def _own(row: sa.RowMapping) -> Own:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    files, last = values.pop("files"), activity(values.pop("last_activity"), values.pop("event_mark"))
    return Own(Integration(**values), files, last)
