"""Gaps: events that should have arrived and did not, and what is known of GitHub's hooks that should have sent them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import upsert, where
from storage.events import table

OPEN = "closed_at IS NULL"


class Gap(SQLModel, table=True):
    """One gap. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "gaps"
    __table_args__ = (sa.Index("ix_gaps_open", "integration_id", **where(OPEN)),)

    integration_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    """What is missing: GitHub's delivery guid, a range of the sequence, the start of a silence."""
    kind: str
    """`delivery`, `sequence`, `silence`."""
    at_from: float
    at_to: float
    detail: str
    """JSON: what is known of it (the hook, the deliveries' ids and answers; the numbers)."""
    detected_at: float
    asked_at: float | None = None
    """When GitHub was last asked to deliver it again."""
    asked: int = 0
    closed_at: float | None = None
    closed_why: str = ""
    """`arrived`, `gone` (GitHub keeps it no longer), `ended` (a silence)."""


class GitHubHook(SQLModel, table=True):
    """A hook of GitHub's that sends to an integration."""

    __tablename__: ClassVar[str] = "github_hooks"

    integration_id: str = Field(primary_key=True)
    owner: str = Field(primary_key=True)
    """Whose hook it is, as a path of the API: `repos/acme/app`, `orgs/acme`."""
    hook_id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    found_at: float
    checked_at: float | None = None
    newest_delivery: int | None = Field(default=None, sa_type=sa.BigInteger)
    """Up to where its deliveries were compared, but for those that `cursor` leads to."""
    cursor: str | None = None
    """Where paging back goes on: a check that came to its bounds leaves older deliveries to the next one."""
    floor_delivery: int | None = Field(default=None, sa_type=sa.BigInteger)
    """Down to where `cursor` is followed; None: as far as GitHub keeps them."""
    error: str | None = None
    """Why it could not be asked last time: JSON `{"error", "message"}`."""


class GapCheck(SQLModel, table=True):
    """How an integration's last look for gaps went, and from where the next one goes on."""

    __tablename__: ClassVar[str] = "gap_checks"

    integration_id: str = Field(primary_key=True)
    running_until: float | None = None
    """One look at a time: another begins when this has passed."""
    checked_at: float | None = None
    complete: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether everything up to `checked_at` was looked at."""
    wait_until: float | None = None
    """GitHub's rate limit: nothing is asked before this time."""
    problem: str | None = None
    """Why it could not be looked at: JSON `{"error", "message"}`."""
    findings: str = Field("[]", sa_column_kwargs={"server_default": "[]"})
    """JSON: what else was noticed, `[{"kind", "message", …}]`."""
    sequence_mark: int | None = Field(default=None, sa_type=sa.BigInteger)
    """The number up to which the sequence was looked at."""
    sequence_since: str = Field("", sa_column_kwargs={"server_default": ""})
    """The event from which the present count runs: those before it belong to a counter that was reset."""
    event_mark: str = Field("", sa_column_kwargs={"server_default": ""})
    """The newest event at the last look, or a newer one that retention has deleted since."""
    rhythm: str = Field("{}", sa_column_kwargs={"server_default": "{}"})
    """JSON: day (since the epoch) → the longest interval between two events that ended on it, in seconds."""


GAPS = table(Gap)
HOOKS = table(GitHubHook)
CHECKS = table(GapCheck)

_UNCHECKED = GapCheck(integration_id="", findings="[]", sequence_since="", event_mark="", rhythm="{}")
_MOST_AT_ONCE = 500
"""Values in one IN."""

State = Literal["open", "closed", "all"]


def begin(connection: sa.Connection, integration_id: str, *, now: float, until: float) -> bool:
    """Begin a look at an integration; return False while another goes on."""
    statement = upsert(connection, CHECKS).values(integration_id=integration_id, running_until=until)
    free = sa.or_(CHECKS.c.running_until.is_(None), CHECKS.c.running_until <= now)
    statement = statement.on_conflict_do_update(
        index_elements=[CHECKS.c.integration_id], set_={"running_until": until}, where=free
    )
    return connection.execute(statement.returning(CHECKS.c.integration_id)).scalar() is not None


def set_check(connection: sa.Connection, integration_id: str, values: Mapping[str, Any]) -> None:
    """Write how the look that has begun went."""
    connection.execute(sa.update(CHECKS).where(CHECKS.c.integration_id == integration_id).values(**values))


def mark(connection: sa.Connection, integration_id: str, event_id: str) -> None:
    """Keep that this event was there, for it is deleted: it may have been the last activity, and is no gap."""
    statement = upsert(connection, CHECKS).values(integration_id=integration_id, event_mark=event_id)
    newer = CHECKS.c.event_mark < event_id
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[CHECKS.c.integration_id], set_={"event_mark": event_id}, where=newer
        )
    )


def check_of(connection: sa.Connection, integration_id: str) -> GapCheck:
    """Return how an integration's last look went; one that never was has no `checked_at`."""
    row = connection.execute(sa.select(CHECKS).where(CHECKS.c.integration_id == integration_id)).mappings().first()
    return GapCheck(**row) if row else _UNCHECKED.model_copy(update={"integration_id": integration_id})


def listed(
    connection: sa.Connection,
    integration_id: str,
    *,
    state: State = "open",
    kind: str | None = None,
    keys: Sequence[str] | None = None,
    most_asked: int | None = None,
    limit: int = 1000,
) -> list[Gap]:
    """Return an integration's gaps, the newest first. `most_asked`: only those asked for less often."""
    conditions = [GAPS.c.integration_id == integration_id]
    if state != "all":
        conditions.append(GAPS.c.closed_at.is_(None) if state == "open" else GAPS.c.closed_at.is_not(None))
    if kind is not None:
        conditions.append(GAPS.c.kind == kind)
    if keys is not None:
        conditions.append(GAPS.c.key.in_(keys))
    if most_asked is not None:
        conditions.append(GAPS.c.asked < most_asked)
    query = sa.select(GAPS).where(*conditions).order_by(GAPS.c.at_from.desc(), GAPS.c.key.desc()).limit(limit)
    return [Gap(**row) for row in connection.execute(query).mappings()]


def counted(connection: sa.Connection, integration_id: str, *, state: State = "open") -> int:
    """Return how many gaps an integration has."""
    conditions = [GAPS.c.integration_id == integration_id]
    if state != "all":
        conditions.append(GAPS.c.closed_at.is_(None) if state == "open" else GAPS.c.closed_at.is_not(None))
    return int(connection.execute(sa.select(sa.func.count()).select_from(GAPS).where(*conditions)).scalar_one())


def put(connection: sa.Connection, gaps: Sequence[Mapping[str, Any]]) -> None:
    """Store gaps; of one that is open already what is known of it, and its end, are brought up to date."""
    for gap in gaps:
        statement = upsert(connection, GAPS).values({"asked": 0, "closed_why": "", **gap})
        known = {"detail": gap["detail"], "at_to": gap["at_to"]}
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[GAPS.c.integration_id, GAPS.c.key], set_=known, where=GAPS.c.closed_at.is_(None)
            )
        )


def close(
    connection: sa.Connection,
    integration_id: str,
    keys: Sequence[str],
    *,
    now: float,
    why: str,
    at_to: float | None = None,
) -> None:
    """Close gaps that are open; `at_to`: when what was missing came, where that is known."""
    values: dict[str, Any] = {"closed_at": now, "closed_why": why}
    if at_to is not None:
        values["at_to"] = at_to
    for start in range(0, len(keys), _MOST_AT_ONCE):
        part = keys[start : start + _MOST_AT_ONCE]
        mine = (GAPS.c.integration_id == integration_id, GAPS.c.key.in_(part), GAPS.c.closed_at.is_(None))
        connection.execute(sa.update(GAPS).where(*mine).values(values))


def expire(connection: sa.Connection, integration_id: str, *, kind: str, before: float, now: float) -> None:
    """Close as gone the open gaps of a kind that ended before that time."""
    mine = (GAPS.c.integration_id == integration_id, GAPS.c.kind == kind, GAPS.c.closed_at.is_(None))
    statement = sa.update(GAPS).where(*mine, GAPS.c.at_to < before)
    connection.execute(statement.values(closed_at=now, closed_why="gone"))


def forget(connection: sa.Connection, *, closed_before: float) -> None:
    """Delete the gaps that were closed before that time."""
    connection.execute(sa.delete(GAPS).where(GAPS.c.closed_at < closed_before))


def set_asked(
    connection: sa.Connection, integration_id: str, keys: Sequence[str], *, asked: int, asked_at: float | None
) -> None:
    """Note how often, and when last, GitHub was asked to deliver these again."""
    for start in range(0, len(keys), _MOST_AT_ONCE):
        mine = (GAPS.c.integration_id == integration_id, GAPS.c.key.in_(keys[start : start + _MOST_AT_ONCE]))
        connection.execute(sa.update(GAPS).where(*mine).values(asked=asked, asked_at=asked_at))


def hooks_of(connection: sa.Connection, integration_id: str) -> list[GitHubHook]:
    """Return the hooks that are known to send to an integration."""
    query = sa.select(HOOKS).where(HOOKS.c.integration_id == integration_id).order_by(HOOKS.c.hook_id, HOOKS.c.owner)
    return [GitHubHook(**row) for row in connection.execute(query).mappings()]


def put_hook(connection: sa.Connection, integration_id: str, *, owner: str, hook_id: int, now: float) -> None:
    """Store a hook; one whose owner was renamed keeps what was compared."""
    same = (HOOKS.c.integration_id == integration_id, HOOKS.c.hook_id == hook_id)
    if not connection.execute(sa.update(HOOKS).where(*same).values(owner=owner)).rowcount:
        connection.execute(
            sa.insert(HOOKS).values(integration_id=integration_id, owner=owner, hook_id=hook_id, found_at=now)
        )


def set_hook(connection: sa.Connection, hook: GitHubHook, values: Mapping[str, Any]) -> None:
    """Write how far a hook was compared."""
    mine = (HOOKS.c.integration_id == hook.integration_id, HOOKS.c.hook_id == hook.hook_id)
    connection.execute(sa.update(HOOKS).where(*mine).values(**values))


def drop_hook(connection: sa.Connection, hook: GitHubHook) -> None:
    """Forget a hook that is there no more."""
    mine = (HOOKS.c.integration_id == hook.integration_id, HOOKS.c.hook_id == hook.hook_id)
    connection.execute(sa.delete(HOOKS).where(*mine))
