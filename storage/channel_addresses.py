"""Addresses of channels that hold secrets: encrypted, and known to everybody else by a name that says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.events import table


class ChannelAddress(SQLModel, table=True):
    """One address. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "channel_addresses"

    name: str = Field(primary_key=True)
    """As rules, messages and people have it, such as `discord://••••3fa9c1`."""
    channel: str
    sealed: str
    """The address itself, as `core.secret_box` encrypts it."""
    created_at: float
    created_by: str


ADDRESSES = table(ChannelAddress)


def add(connection: sa.Connection, address: ChannelAddress) -> None:
    """Keep an address under a new name."""
    connection.execute(sa.insert(ADDRESSES).values(**address.model_dump()))


def named(connection: sa.Connection, name: str) -> ChannelAddress | None:
    """Return the address that is known by a name."""
    row = connection.execute(sa.select(ADDRESSES).where(ADDRESSES.c.name == name)).mappings().first()
    return None if row is None else ChannelAddress(**row)


def all_of(connection: sa.Connection, channel: str) -> Sequence[ChannelAddress]:
    """Return all addresses of a channel."""
    query = sa.select(ADDRESSES).where(ADDRESSES.c.channel == channel).order_by(ADDRESSES.c.created_at)
    return [ChannelAddress(**row) for row in connection.execute(query).mappings()]
