"""Lists of events: each page walks one index in the order of the ids, and looks at a bounded number of rows.

Identifiers are made from the time of receipt, so a range of time is a range of ids. What has an index (an integration,
a status among few, being delivered twice) is found by it. What has none (a type, a text, a status that most have) is
looked for among the next `LOOKED_AT` events, and the page says from where to go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.events import CLAIMABLE, EVENTS, REPEATED, TROUBLED, Event

LOOKED_AT = 20_000
"""Rows that a page with a condition without an index looks at."""
TROUBLES = ("failed", "dead", "discarded")
"""The statuses of `TROUBLED`, each of which has its part of an index."""
_WIDTH = len("evt_") + 26
_LAST = "Z"  # of the letters in an id


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events, newest first; every condition that is there holds.

    `first`, `before`: bounds of the id (the first one belongs to it). `after`: the id of the last one seen.
    `without`: the integration whose events are left out. `text`: the beginning of an id; else the delivery id, or a
    part of the type or of the stored error, whatever its case.
    """

    now: float
    integration_id: str | None = None
    status: str | None = None
    type: str | None = None
    duplicate: bool = False
    without: str | None = None
    first: str | None = None
    before: str | None = None
    after: str | None = None
    text: str | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A page. `after`: where the next one begins, None when there is none."""

    events: list[Event]
    after: str | None


def page(connection: sa.Connection, wanted: Wanted) -> Found:
    """Return the events that are wanted, newest first."""
    query, narrowed = statement(wanted)
    rows = connection.execute(query.limit(wanted.limit + 1).offset(wanted.offset)).mappings()
    found = [Event(**row) for row in rows]
    if len(found) > wanted.limit:
        return Found(found[:-1], found[-2].id)
    return Found(found, _end_of_look(connection, wanted) if narrowed else None)


def statement(wanted: Wanted) -> tuple[sa.Select[Any], bool]:
    """Return the query for the list, and whether it looks at the next `LOOKED_AT` rows alone."""
    walk, rest = _walk(wanted)
    if wanted.status in ("queued", "processing"):
        among = walk.limit(LOOKED_AT).subquery()
        return sa.select(among).where(*_rest(among, wanted, rest), *_range(among, wanted)).order_by(
            among.c.id.desc()
        ), False
    walk = walk.where(*_range(EVENTS, wanted)).order_by(EVENTS.c.id.desc())
    if not rest:
        return walk, False
    among = walk.limit(LOOKED_AT).subquery()
    return sa.select(among).where(*_rest(among, wanted, rest)).order_by(among.c.id.desc()), True


def _walk(wanted: Wanted) -> tuple[sa.Select[Any], set[str]]:
    """Return the walk along the index that serves best, and the conditions that it does not meet."""
    rest = {name for name in ("status", "type", "duplicate", "without") if getattr(wanted, name)}
    if wanted.text is not None and _prefix(wanted.text) is None:
        rest.add("text")
    walk = sa.select(EVENTS)
    if wanted.status == "processing":  # no more of all integrations than the workers have in hand
        held = walk.where(EVENTS.c.lease_until.is_not(None)).order_by(EVENTS.c.lease_until.desc())
        return held, rest | {"integration_id"}
    if wanted.integration_id is not None:
        walk = walk.where(EVENTS.c.integration_id == wanted.integration_id)
    if wanted.status in TROUBLES:
        return walk.where(sa.text(TROUBLED), EVENTS.c.status == wanted.status), rest - {"status"}
    if wanted.status == "queued":  # newest first in each integration, for of very many not all are looked at
        due = walk.where(sa.text(CLAIMABLE), EVENTS.c.run_at <= wanted.now)
        return due.order_by(EVENTS.c.integration_id.desc(), EVENTS.c.run_at.desc(), EVENTS.c.id.desc()), rest
    if wanted.duplicate:
        return walk.where(sa.text(REPEATED)), rest - {"duplicate"}
    return walk, rest


def _rest(among: sa.Subquery, wanted: Wanted, rest: set[str]) -> list[Any]:
    conditions: list[Any] = [
        among.c[name] == getattr(wanted, name)
        for name in ("integration_id", "status", "type")
        if name in rest and getattr(wanted, name) is not None
    ]
    if "duplicate" in rest:
        conditions.append(among.c.duplicates > 0)
    if "without" in rest:
        conditions.append(among.c.integration_id != wanted.without)
    if "text" in rest:
        assert wanted.text is not None
        part = wanted.text.lower()
        conditions.append(
            sa.or_(
                among.c.delivery_id == wanted.text,
                *(sa.func.lower(among.c[name]).contains(part, autoescape=True) for name in ("type", "error")),
            )
        )
    return conditions


def _range(among: sa.FromClause, wanted: Wanted) -> list[Any]:
    """Return the bounds of the ids."""
    conditions: list[Any] = []
    if wanted.first is not None:
        conditions.append(among.c.id >= wanted.first)
    for bound in (wanted.before, wanted.after):
        if bound is not None:
            conditions.append(among.c.id < bound)
    if wanted.text is not None and (prefix := _prefix(wanted.text)) is not None:
        # Filled up to an id's length, so that no rule of sorting (PostgreSQL's collations) sees two of unequal length.
        conditions.append(among.c.id.between(prefix.ljust(_WIDTH, "0"), prefix.ljust(_WIDTH, _LAST)))
    return conditions


def _prefix(text: str) -> str | None:
    """Return the beginning of an id that `text` is, or None."""
    if not text.lower().startswith("evt_") or not text[4:].isalnum() or not text.isascii():
        return None
    return "evt_" + text[4:].upper()


def _end_of_look(connection: sa.Connection, wanted: Wanted) -> str | None:
    """Return the id of the last row that was looked at, None when there was none behind it."""
    walk, _ = _walk(wanted)
    ids = walk.with_only_columns(EVENTS.c.id).where(*_range(EVENTS, wanted)).order_by(EVENTS.c.id.desc())
    last: str | None = connection.execute(ids.limit(1).offset(LOOKED_AT - 1)).scalar()
    return last
