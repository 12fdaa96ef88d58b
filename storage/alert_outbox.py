"""What is to be told of alerts: messages, each in one channel for one or many alerts, and what is still to be said.

A message is planned in the transaction that makes an alert fire, and said by whoever holds the lease of its item.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import BIG_ID, for_update, upsert, where
from storage.events import table

WAITING = "settled_at IS NULL"
AHEAD = 60.0
"""Seconds by which the clocks of two nodes may differ; what was made later than that, was made before the clock was put
back."""
LONGEST_WAIT = 3600.0
"""Nothing waits for more seconds than these, whatever a channel asks for: what does was planned by another clock."""
MOST_MISSED = 3
"""Messages about one alert that one channel may refuse for good."""
_MOST_LOOKED_AT = 2000
"""Messages among which a claim looks for the first of each channel."""


class AlertMessageRow(SQLModel, table=True):
    """One message in one channel. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "alert_messages"
    __table_args__ = (sa.Index("ix_alert_messages_group", "group_key", "joins_until"),)

    id: str = Field(primary_key=True)
    channel: str
    group_key: str
    """Channel, integration (`*`: many) and severity: what fires within the group's wait is one message."""
    joins_until: float
    place: str | None = None
    """JSON: where the channel put it (`channel`, `ts`), so that it can be edited."""
    told_at: float | None = None
    """When it arrived."""


class AlertMessageItem(SQLModel, table=True):
    """An alert that a message is about."""

    __tablename__: ClassVar[str] = "alert_message_alerts"
    __table_args__ = (sa.Index("ix_alert_message_alerts_alert", "alert_id"),)

    message_id: str = Field(primary_key=True)
    alert_id: str = Field(primary_key=True)


class AlertOutbox(SQLModel, table=True):
    """One thing to be said in a message: that it fires, goes on, was acknowledged, snoozed, resolved."""

    __tablename__: ClassVar[str] = "alert_outbox"
    __table_args__ = (
        sa.Index("ix_alert_outbox_due", "run_at", **where(WAITING)),
        sa.Index("ix_alert_outbox_message", "message_id", "id"),
    )

    id: int | None = Field(default=None, sa_column=sa.Column(BIG_ID, primary_key=True, autoincrement=True))
    message_id: str
    channel: str
    alert_id: str
    kind: str
    """`fired`, `repeat`, `acknowledged`, `snoozed`, `resolved`, `flapping`."""
    story: str = ""
    """JSON of a text: the line for the message's thread."""
    created_at: float
    run_at: float
    attempts: int = 0
    lease_until: float | None = None
    settled_at: float | None = None
    result: str | None = None
    """`delivered`, `dead`, `skipped`."""
    answer: str | None = None
    """JSON of a text: what the channel said last."""


class AlertChannel(SQLModel, table=True):
    """How a channel has been doing."""

    __tablename__: ClassVar[str] = "alert_channels"

    channel: str = Field(primary_key=True)
    failures: int = 0
    """In a row."""
    failed_at: float | None = None
    error: str | None = None
    """JSON of a text."""
    told_at: float | None = None
    resume_at: float | None = None
    """It asked to be left in peace until then."""


MESSAGES = table(AlertMessageRow)
MEMBERS = table(AlertMessageItem)
OUTBOX = table(AlertOutbox)
CHANNELS = table(AlertChannel)


@dataclass(frozen=True)
class Plan:
    """Something to be said of an alert. `channel` None: in every message that is about it."""

    alert_id: str
    kind: str
    channel: str | None = None
    message_id: str = ""
    """The id of the message, if a new one is made."""
    group_key: str = ""
    wait: float = 0.0
    """Seconds in which more may join, before it is said."""
    story: str = ""


def plan(connection: sa.Connection, wish: Plan, *, now: float) -> None:
    """Put it into the outbox; call it in the transaction of what is told."""
    if wish.channel is None:
        for message_id, channel in _messages_of(connection, wish.alert_id):
            _put(connection, wish, message_id, channel, now)
        return
    joined = _joined(connection, wish, now)
    if joined is None:
        row = {"id": wish.message_id, "channel": wish.channel, "group_key": wish.group_key}
        connection.execute(sa.insert(MESSAGES).values(joins_until=now + wish.wait, **row))
        _put(connection, wish, wish.message_id, wish.channel, now)
    member = upsert(connection, MEMBERS).values(message_id=joined or wish.message_id, alert_id=wish.alert_id)
    connection.execute(member.on_conflict_do_nothing())


def _joined(connection: sa.Connection, wish: Plan, now: float) -> str | None:
    """Return the message of the group that more may join: nobody has begun to say it, nor will before our COMMIT.

    The time alone does not tell: a look may be written long after it began, and the clock may be set back.
    """
    waits = (OUTBOX.c.kind == "fired", sa.text(WAITING), OUTBOX.c.lease_until.is_(None))
    query = (
        sa.select(MESSAGES.c.id)
        .join(OUTBOX, OUTBOX.c.message_id == MESSAGES.c.id)
        .where(MESSAGES.c.group_key == wish.group_key, MESSAGES.c.joins_until > now, *waits)
    )
    ordered = query.order_by(MESSAGES.c.joins_until.desc(), MESSAGES.c.id).limit(1)
    found: str | None = connection.execute(for_update(connection, ordered)).scalar()
    return found


def _messages_of(connection: sa.Connection, alert_id: str) -> list[tuple[str, str]]:
    query = (
        sa.select(MESSAGES.c.id, MESSAGES.c.channel)
        .join(MEMBERS, MEMBERS.c.message_id == MESSAGES.c.id)
        .where(MEMBERS.c.alert_id == alert_id)
    )
    return [(row.id, row.channel) for row in connection.execute(query.order_by(MESSAGES.c.id))]


def _put(connection: sa.Connection, wish: Plan, message_id: str, channel: str, now: float) -> None:
    if wish.kind == "repeat":  # one for all that the message is about
        waits = (OUTBOX.c.message_id == message_id, OUTBOX.c.kind == "repeat", sa.text(WAITING))
        if connection.execute(sa.select(OUTBOX.c.id).where(*waits).limit(1)).scalar() is not None:
            return
    row = {"message_id": message_id, "channel": channel, "alert_id": wish.alert_id, "kind": wish.kind}
    connection.execute(
        sa.insert(OUTBOX).values(story=wish.story, created_at=now, run_at=now + wish.wait, attempts=0, **row)
    )


@dataclass(frozen=True)
class Claimed:
    """A message that is this process's to say, what is to be said in it, and the alerts that it is about."""

    message: AlertMessageRow
    items: Sequence[AlertOutbox]
    alert_ids: Sequence[str]


def claim(
    connection: sa.Connection, now: float, *, lease_until: float, resting: Collection[str],
    place: Callable[[str], str] = str,
) -> list[Claimed]:  # fmt: skip
    """Take, of each channel that is not `resting`, the message that is due first, with all that is due in it.

    `place`: where a channel's address leads; of two that lead to the same place one is taken.
    """
    # A message's items are said in their order: none before the first, whose time is that of the group's wait.
    first = sa.select(sa.func.min(OUTBOX.c.id)).where(sa.text(WAITING)).group_by(OUTBOX.c.message_id)
    away = sa.select(CHANNELS.c.channel).where(CHANNELS.c.resume_at > now, CHANNELS.c.resume_at <= now + LONGEST_WAIT)
    due = _due(now, lease_until)
    query = sa.select(OUTBOX).where(OUTBOX.c.id.in_(first), *due, OUTBOX.c.channel.not_in(away))
    if resting:
        query = query.where(OUTBOX.c.channel.not_in(list(resting)))
    ordered = query.order_by(_rank(), OUTBOX.c.run_at, OUTBOX.c.id).limit(_MOST_LOOKED_AT)
    taken: dict[str, str] = {}
    for row in connection.execute(for_update(connection, ordered, skip_locked=True)):
        taken.setdefault(place(row.channel), row.message_id)
    return [_taken(connection, message_id, now, lease_until) for message_id in taken.values()]


def _rank() -> sa.ColumnElement[int]:
    """Return what comes first where much waits: what is wrong before what is well again, the worst before the mild."""
    mine = sa.select(MESSAGES.c.group_key).where(MESSAGES.c.id == OUTBOX.c.message_id).scalar_subquery()
    loud = OUTBOX.c.kind.in_(("fired", "repeat"))
    return sa.case((~loud, 3), (mine.like("% critical"), 0), (mine.like("% warning"), 1), else_=2)


def release(connection: sa.Connection) -> None:
    """End every lease: where one process alone sends, what an earlier one had begun to say is due now."""
    held = (sa.text(WAITING), OUTBOX.c.lease_until.is_not(None))
    connection.execute(sa.update(OUTBOX).where(*held).values(lease_until=None))


def _due(now: float, lease_until: float) -> list[sa.ColumnElement[bool]]:
    """Return what is due and nobody's: a lease or plan from the future is of a clock that was set back since."""
    lease, at = OUTBOX.c.lease_until, OUTBOX.c.run_at
    free = sa.or_(lease.is_(None), lease <= now, lease > lease_until + AHEAD)
    due = sa.or_(at <= now, at > now + LONGEST_WAIT, OUTBOX.c.created_at > now + AHEAD)
    return [sa.text(WAITING), due, free]  # type: ignore[list-item]  # text is a condition too


def _taken(connection: sa.Connection, message_id: str, now: float, lease_until: float) -> Claimed:
    row = connection.execute(sa.select(MESSAGES).where(MESSAGES.c.id == message_id)).mappings().one()
    mine = (OUTBOX.c.message_id == message_id, *_due(now, lease_until))
    connection.execute(sa.update(OUTBOX).where(*mine).values(lease_until=lease_until, attempts=OUTBOX.c.attempts + 1))
    query = sa.select(OUTBOX).where(OUTBOX.c.message_id == message_id, OUTBOX.c.lease_until == lease_until)
    items = connection.execute(query.where(sa.text(WAITING)).order_by(OUTBOX.c.id)).mappings()
    return Claimed(AlertMessageRow(**row), [AlertOutbox(**item) for item in items], alerts_of(connection, message_id))


def alerts_of(connection: sa.Connection, message_id: str) -> list[str]:
    """Return the ids of the alerts that a message is about."""
    members = sa.select(MEMBERS.c.alert_id).where(MEMBERS.c.message_id == message_id).order_by(MEMBERS.c.alert_id)
    return list(connection.execute(members).scalars())


def settle(
    connection: sa.Connection, claimed: Claimed, values: Mapping[str, Any], *, place: str | None, now: float
) -> bool:
    """Write what became of an attempt; `place`: where the message stands now.

    Return False, writing nothing, when its lease has ended and another has taken it.
    """
    ids = [item.id for item in claimed.items]
    mine = (OUTBOX.c.id.in_(ids), sa.text(WAITING), OUTBOX.c.lease_until == claimed.items[0].lease_until)
    if not connection.execute(sa.update(OUTBOX).where(*mine).values(lease_until=None, **values)).rowcount:
        return False
    found = {"place": place} if place is not None else {}
    if values.get("result") == "delivered":
        found["told_at"] = now  # type: ignore[assignment]  # columns of different types
    if found:
        connection.execute(sa.update(MESSAGES).where(MESSAGES.c.id == claimed.message.id).values(**found))
    return True


def recovered(connection: sa.Connection, channel: str, *, now: float) -> None:
    """Note that a channel which was ever told something takes messages."""
    statement = sa.update(CHANNELS).where(CHANNELS.c.channel == channel)
    connection.execute(statement.values(failures=0, told_at=now, resume_at=None))


def reached(connection: sa.Connection, alerts: Any) -> dict[str, list[str]]:
    """Return the channels in which these alerts (a SELECT of ids) are told, or are about to be.

    One that had been given up is not among them where the channel has taken another message since; but the third time
    the message is at fault.
    """
    again = sa.exists().where(
        OUTBOX.c.message_id == MESSAGES.c.id, OUTBOX.c.kind == "fired", OUTBOX.c.result == "dead",
        MESSAGES.c.told_at.is_(None), CHANNELS.c.channel == MESSAGES.c.channel,
        CHANNELS.c.told_at > OUTBOX.c.settled_at,
    )  # fmt: skip
    key = (MEMBERS.c.alert_id, MESSAGES.c.channel)
    query = sa.select(*key).join(MESSAGES, MESSAGES.c.id == MEMBERS.c.message_id).where(MEMBERS.c.alert_id.in_(alerts))
    missed = sa.func.sum(sa.case((again, 1), else_=0))
    settled = sa.or_(missed < sa.func.count(), missed >= MOST_MISSED)
    found: dict[str, list[str]] = {}
    for alert_id, channel in connection.execute(query.group_by(*key).having(settled)):
        found.setdefault(alert_id, []).append(channel)
    return found


def message(connection: sa.Connection, message_id: str) -> AlertMessageRow:
    """Return a message as it is now."""
    return AlertMessageRow(
        **connection.execute(sa.select(MESSAGES).where(MESSAGES.c.id == message_id)).mappings().one()
    )


def move(connection: sa.Connection, message_id: str, place: str) -> None:
    """Note where a message stands, and what stands in it."""
    connection.execute(sa.update(MESSAGES).where(MESSAGES.c.id == message_id).values(place=place))


def mark(connection: sa.Connection, channel: str, *, now: float, error: str | None, resume_at: float | None) -> None:
    """Note that a channel has taken a message, or (with an `error`) that it has not."""
    failed = error is not None
    values: dict[str, Any] = (
        {"failed_at": now, "error": error, "resume_at": resume_at} if failed else {"told_at": now, "resume_at": None}
    )
    statement = upsert(connection, CHANNELS).values(channel=channel, failures=int(failed), **values)
    more = {"failures": CHANNELS.c.failures + 1} if failed else {"failures": 0}
    connection.execute(statement.on_conflict_do_update(index_elements=[CHANNELS.c.channel], set_={**values, **more}))


def channels(connection: sa.Connection) -> list[AlertChannel]:
    """Return how every channel has been doing that was ever told something."""
    return [
        AlertChannel(**row) for row in connection.execute(sa.select(CHANNELS).order_by(CHANNELS.c.channel)).mappings()
    ]


def of_alert(connection: sa.Connection, alert_id: str) -> list[tuple[AlertMessageRow, list[AlertOutbox]]]:
    """Return the messages about an alert, each with what was or is to be said in it."""
    mine = sa.select(MEMBERS.c.message_id).where(MEMBERS.c.alert_id == alert_id)
    rows = connection.execute(sa.select(MESSAGES).where(MESSAGES.c.id.in_(mine)).order_by(MESSAGES.c.id)).mappings()
    found = []
    for row in list(rows):
        query = sa.select(OUTBOX).where(OUTBOX.c.message_id == row["id"]).order_by(OUTBOX.c.id)
        items = [AlertOutbox(**item) for item in connection.execute(query).mappings()]
        found.append((AlertMessageRow(**row), items))
    return found


def any_due(connection: sa.Connection, now: float, *, lease_until: float) -> bool:
    """Say whether `claim` may find something."""
    query = sa.select(OUTBOX.c.id).where(*_due(now, lease_until)).limit(1)
    return connection.execute(query).first() is not None


def forget(connection: sa.Connection, alerts: Any) -> None:
    """Delete what was said of these alerts (a SELECT of ids) alone."""
    gone = sa.select(MEMBERS.c.message_id).where(MEMBERS.c.alert_id.in_(alerts))
    still = sa.select(MEMBERS.c.message_id).where(MEMBERS.c.alert_id.not_in(alerts))
    messages = list(connection.execute(gone.where(MEMBERS.c.message_id.not_in(still)).distinct()).scalars())
    for of, column in ((OUTBOX, OUTBOX.c.message_id), (MESSAGES, MESSAGES.c.id), (MEMBERS, MEMBERS.c.message_id)):
        connection.execute(sa.delete(of).where(column.in_(messages)))
