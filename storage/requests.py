"""Requests for integrations: the row that is the queue of their stages, each round that Claude wrote, and the log.

What Claude costs is in `storage.calls`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit, calls, request_messages
from storage.dialect import BIG_ID, announce, for_update, where
from storage.events import table

DUE = "(run_at IS NOT NULL OR tell_at IS NOT NULL)"


class IntegrationRequest(SQLModel, table=True):
    """One request, and where it stands. Its id is that of the integration that comes of it. Times: seconds, epoch."""

    __tablename__: ClassVar[str] = "requests"
    __table_args__ = (
        sa.Index("ix_requests_due", "updated_at", **where(DUE)),
        sa.Index("ix_requests_issue", "repository", "issue", unique=True, **where("issue IS NOT NULL")),
        sa.Index("ix_requests_pull", "repository", "pull"),
        sa.Index("ix_requests_holds", "holds", unique=True, **where("holds IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    slug: str
    title: str
    language: str
    origin: str
    """`issue`, `rest`, `slack`."""
    asked_by: str
    fields: str
    """JSON: the template's fields."""
    status: str
    """`requested`, `generating`, `inactive` (the pull request is open), `failed`, `installed`."""
    stage: str
    """What is to be done next: a name of `core.requests.stages`; empty when nothing is."""
    run_at: float | None = None
    """When the next stage is due; None: not by itself."""
    lease_token: str | None = None
    lease_until: float | None = None
    tries: int = 0
    """How often the stage failed in a way that may pass."""
    limits: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often in a row a service was at its limit; that is waited for, and is no try."""
    error_details: str | None = None
    """JSON: why it failed, or what it waits for."""
    repository: str | None = None
    """`owner/repo` of the issue and the pull request, in lower case."""
    issue: int | None = None
    body_hash: str | None = None
    approved_hash: str | None = None
    """The hash of the body that somebody with write access let through."""
    approved_by: str | None = None
    tell_at: float | None = None
    """When the issue's comment and labels are to be brought up to date; None: they are."""
    comment_id: int | None = Field(default=None, sa_type=sa.BigInteger)
    branch: str | None = None
    pull: int | None = None
    pull_url: str | None = None
    pull_state: str | None = None
    """`open`, `merged`, `closed`."""
    holds: str | None = None
    """`owner/repo:branch` of the branch that no other request publishes on, until its pull request is over."""
    merge_commit: str | None = None
    version: int = 1
    """Grows with each time the work begins anew (another body, a retry, a review): rounds belong to one."""
    wishes: str = "[]"
    """JSON: what reviewers asked for, for the rounds of this version."""
    heard: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})
    """JSON: the reviews and remarks that wishes came from, so that each counts once."""
    created_at: float
    updated_at: float


class Round(SQLModel, table=True):
    """One package that Claude wrote, what the verifier said of it, and what it cost. `round` counts on from version to
    version."""

    __tablename__: ClassVar[str] = "request_rounds"

    request_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    round: int = Field(primary_key=True)
    at: float
    model: str
    text: str
    """What Claude wrote, as it came."""
    files: str | None = None
    """JSON: path → text, where it was a package at all."""
    notes: str = ""
    problem: str | None = None
    """What is wrong with it, as `core.texts` stores it; None while it is not verified, empty: nothing."""
    report: str | None = None
    """JSON: the samples' results."""
    tokens: str = "{}"
    cost: float = 0.0
    """USD; what counts against the budgets is in `storage.calls`."""


class RequestLogLine(SQLModel, table=True):
    """One step of a request's way."""

    __tablename__: ClassVar[str] = "request_logs"
    __table_args__ = (sa.Index("ix_request_logs_request", "request_id", "id"),)

    id: int | None = Field(default=None, sa_column=sa.Column(BIG_ID, primary_key=True, autoincrement=True))
    request_id: str
    at: float
    level: str
    step: str
    message: str
    """A text as `core.texts` stores it."""
    fields: str = "{}"


REQUESTS = table(IntegrationRequest)
ROUNDS = table(Round)
LINES = table(RequestLogLine)


def add(
    connection: sa.Connection,
    row: Mapping[str, Any],
    entry: Mapping[str, Any],
    *,
    message: Mapping[str, Any] | None = None,
) -> None:
    """Store a new request, the audit's `entry`, and the message that is to follow it; it wakes the workers."""
    connection.execute(sa.insert(REQUESTS).values(**row))
    audit.add(connection, entry)
    if message is not None:
        request_messages.add(connection, message)
    announce(connection, "requests")


def get(connection: sa.Connection, request_id: str) -> IntegrationRequest | None:
    """Return one request by its id."""
    return _first(connection, REQUESTS.c.id == request_id)


def find(connection: sa.Connection, reference: str) -> IntegrationRequest | None:
    """Return a request by its id, or the newest one with this slug."""
    return _first(connection, sa.or_(REQUESTS.c.id == reference, REQUESTS.c.slug == reference))


def of_issue(connection: sa.Connection, repository: str, issue: int) -> IntegrationRequest | None:
    """Return the request that an issue is."""
    return _first(connection, sa.and_(REQUESTS.c.repository == repository, REQUESTS.c.issue == issue))


def of_pull(connection: sa.Connection, repository: str, pull: int) -> IntegrationRequest | None:
    """Return the request whose pull request this is."""
    return _first(connection, sa.and_(REQUESTS.c.repository == repository, REQUESTS.c.pull == pull))


def of_integration(connection: sa.Connection, integration_id: str) -> list[IntegrationRequest]:
    """Return the requests that an integration came of: the one whose id it has, and all merged into its folder."""
    first = get(connection, integration_id)
    if first is None or first.status != "installed":
        return []
    folder = sa.and_(REQUESTS.c.repository == first.repository, REQUESTS.c.slug == first.slug)
    query = sa.select(REQUESTS).where(REQUESTS.c.status == "installed", folder).order_by(REQUESTS.c.id)
    return [IntegrationRequest(**row) for row in connection.execute(query).mappings()]


def hold(connection: sa.Connection, request_id: str, token: str | None, branch: str) -> bool:
    """Let a request have a branch (`owner/repo:branch`) to itself; return False when its lease is lost.

    Raises `IntegrityError` while another request has it. Without a `token` whoever holds the lease.
    """
    held = [REQUESTS.c.id == request_id]
    if token is not None:
        held.append(REQUESTS.c.lease_token == token)
    return bool(connection.execute(sa.update(REQUESTS).where(*held).values(holds=branch)).rowcount)


def unfinished(connection: sa.Connection) -> list[IntegrationRequest]:
    """Return the requests of which no integration has come, oldest first."""
    query = sa.select(REQUESTS).where(REQUESTS.c.status != "installed").order_by(REQUESTS.c.id)
    return [IntegrationRequest(**row) for row in connection.execute(query).mappings()]


def newest(connection: sa.Connection, *, status: str | None = None, limit: int) -> list[IntegrationRequest]:
    """Return requests, the newest first."""
    query = sa.select(REQUESTS).order_by(REQUESTS.c.id.desc()).limit(limit)
    if status is not None:
        query = query.where(REQUESTS.c.status == status)
    return [IntegrationRequest(**row) for row in connection.execute(query).mappings()]


def claim(connection: sa.Connection, now: float, lease_until: float) -> IntegrationRequest | None:
    """Take the request that has been due longest, under a lease; a lease that has run out is taken over."""
    free = sa.or_(REQUESTS.c.lease_until.is_(None), REQUESTS.c.lease_until <= now)
    due = sa.or_(REQUESTS.c.run_at <= now, REQUESTS.c.tell_at <= now)
    query = sa.select(REQUESTS.c.id).where(sa.text(DUE), due, free)
    query = for_update(connection, query.order_by(REQUESTS.c.updated_at, REQUESTS.c.id).limit(1), skip_locked=True)
    found = connection.execute(query).scalar()
    if found is None:
        return None
    lease = {"lease_token": secrets.token_hex(16), "lease_until": lease_until}
    connection.execute(sa.update(REQUESTS).where(REQUESTS.c.id == found).values(**lease))
    return get(connection, found)


def resume(connection: sa.Connection, now: float, *, all_leases: bool) -> None:
    """Take up what an earlier process left; `all_leases`: no lease is in force.

    What waits for a setting, or was refused by a service, is due now: the setting or its token may be another.
    """
    reasons = ('"Not configured"', '"Upstream failed"')
    waiting = sa.or_(*(REQUESTS.c.error_details.contains(reason, autoescape=True) for reason in reasons))
    connection.execute(sa.update(REQUESTS).where(REQUESTS.c.run_at.is_not(None), waiting).values(run_at=now))
    if all_leases:
        calls.bury(connection)
        held = REQUESTS.c.lease_token.is_not(None)
        connection.execute(sa.update(REQUESTS).where(held).values(lease_token=None, lease_until=None))
        request_messages.resume(connection)


def renew(connection: sa.Connection, request_id: str, token: str, until: float) -> bool:
    """Keep a lease; return False when it is lost."""
    held = (REQUESTS.c.id == request_id, REQUESTS.c.lease_token == token)
    return bool(connection.execute(sa.update(REQUESTS).where(*held).values(lease_until=until)).rowcount)


def advance(
    connection: sa.Connection,
    request_id: str,
    token: str | None,
    values: Mapping[str, Any],
    *,
    lines: Sequence[Mapping[str, Any]] = (),
    round_: Mapping[str, Any] | None = None,
    entry: Mapping[str, Any] | None = None,
    release: bool = True,
    expects: Mapping[str, Any] | None = None,
) -> bool:
    """Write what a stage has done; all of it, or nothing when the lease `token` is lost.

    Without a `token` it is written whoever holds it, and the lease ends: what a person says goes before a stage that is
    still at work, which then writes nothing more. `round_`: a round to be added or replaced. `release`: the lease ends.
    `expects`: what the row must still say.
    """
    held = [REQUESTS.c.id == request_id, *(REQUESTS.c[name] == value for name, value in (expects or {}).items())]
    if token is not None:
        held.append(REQUESTS.c.lease_token == token)
    freed = {"lease_token": None, "lease_until": None} if release or token is None else {}
    if not connection.execute(sa.update(REQUESTS).where(*held).values(**values, **freed)).rowcount:
        return False
    if round_ is not None:
        _put_round(connection, round_)
    for line in lines:
        note(connection, request_id, line)
    if entry is not None:
        audit.add(connection, entry)
    if values.get("run_at") is not None or values.get("tell_at") is not None:
        announce(connection, "requests")
    if "updated_at" in values:  # it has moved; keeping or giving back a lease is nothing to tell
        request_messages.want(connection, request_id)
    return True


def rounds(connection: sa.Connection, request_id: str, version: int | None = None) -> list[Round]:
    """Return a request's rounds (of one version), in their order."""
    query = sa.select(ROUNDS).where(ROUNDS.c.request_id == request_id)
    if version is not None:
        query = query.where(ROUNDS.c.version == version)
    rows = connection.execute(query.order_by(ROUNDS.c.version, ROUNDS.c.round)).mappings()
    return [Round(**row) for row in rows]


def note(connection: sa.Connection, request_id: str, line: Mapping[str, Any]) -> None:
    """Add a line to a request's log, whoever holds the request."""
    connection.execute(sa.insert(LINES).values(request_id=request_id, **line))


def log(
    connection: sa.Connection, request_id: str, *, levels: Sequence[str] = (), limit: int = 500
) -> list[RequestLogLine]:
    """Return the newest `limit` lines of a request's log, oldest first."""
    query = sa.select(LINES).where(LINES.c.request_id == request_id)
    if levels:
        query = query.where(LINES.c.level.in_(levels))
    rows = connection.execute(query.order_by(LINES.c.id.desc()).limit(limit)).mappings()
    return [RequestLogLine(**row) for row in rows][::-1]


def log_after(connection: sa.Connection, request_id: str, line: int, limit: int) -> list[RequestLogLine]:
    """Return the lines of a request's log after the one with this id, oldest first."""
    query = sa.select(LINES).where(LINES.c.request_id == request_id, LINES.c.id > line)
    return [RequestLogLine(**row) for row in connection.execute(query.order_by(LINES.c.id).limit(limit)).mappings()]


def _put_round(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    key = [ROUNDS.c[name] == values[name] for name in ("request_id", "version", "round")]
    if not connection.execute(sa.update(ROUNDS).where(*key).values(**values)).rowcount:
        connection.execute(sa.insert(ROUNDS).values(**values))


def _first(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> IntegrationRequest | None:
    row = connection.execute(sa.select(REQUESTS).where(condition).order_by(REQUESTS.c.id.desc()).limit(1)).mappings()
    found = row.first()
    return IntegrationRequest(**found) if found else None
