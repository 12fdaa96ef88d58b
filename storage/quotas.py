"""What services said was left of their quotas, whichever node they told: a row for each service and credential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import upsert
from storage.events import table

AHEAD_SECONDS = 60.0
"""How far one node's clock may be ahead of another's; what is further ahead was heard while a clock was wrong."""
KEPT_SECONDS = 30 * 86400.0
"""How long a row is kept after its quota was given anew."""


class ServiceQuota(SQLModel, table=True):
    """One quota as it was heard last. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "quotas"

    service: str = Field(primary_key=True)
    credential: str = Field(primary_key=True)
    """Whose quota it is: the setting, and what tells its values apart without saying them."""
    kind: str
    remaining: int = Field(sa_type=sa.BigInteger)
    allowed: int = Field(sa_type=sa.BigInteger)
    resets_at: float
    heard_at: float


QUOTAS = table(ServiceQuota)
_SAID = ("kind", "remaining", "allowed", "resets_at", "heard_at")


def keep(connection: sa.Connection, heard: Sequence[ServiceQuota]) -> None:
    """Keep what was heard, unless another node has heard it later; what is long over goes."""
    for one in sorted(heard, key=lambda one: (one.service, one.credential)):  # one order: no deadlock
        row = upsert(connection, QUOTAS).values(**one.model_dump())
        there, now = QUOTAS.c.heard_at, row.excluded.heard_at
        connection.execute(
            row.on_conflict_do_update(
                index_elements=["service", "credential"],
                set_={name: row.excluded[name] for name in _SAID},
                where=sa.or_(there <= now, there > now + AHEAD_SECONDS),
            )
        )
        over = QUOTAS.c.resets_at < one.heard_at - KEPT_SECONDS
        connection.execute(sa.delete(QUOTAS).where(QUOTAS.c.service == one.service, over))


def known(connection: sa.Connection) -> Sequence[ServiceQuota]:
    """Return all of them, by service."""
    rows = connection.execute(sa.select(QUOTAS).order_by(QUOTAS.c.service, QUOTAS.c.credential)).mappings()
    return [ServiceQuota(**row) for row in rows]
