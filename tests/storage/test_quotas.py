"""The rows of quotas: what was heard last stands, whoever heard it."""

from __future__ import annotations

from storage import quotas
from storage.db import Database
from storage.quotas import ServiceQuota


def heard(remaining: int, at: float) -> ServiceQuota:
    return ServiceQuota(
        service="github", credential="GITHUB_TOKEN:a", kind="requests", remaining=remaining, allowed=5000,
        resets_at=at + 600, heard_at=at,
    )  # fmt: skip


async def test_what_was_heard_last_stands(db: Database) -> None:
    async def left() -> list[int]:
        return [one.remaining for one in await db.read(quotas.known)]

    await db.write(quotas.keep, [heard(400, 1000.0)])
    await db.write(quotas.keep, [heard(500, 990.0)])
    assert await left() == [400], "another node has heard it later"
    await db.write(quotas.keep, [heard(300, 1001.0)])
    assert await left() == [300]
    await db.write(quotas.keep, [heard(200, 90_000.0)])
    await db.write(quotas.keep, [heard(100, 1010.0)])
    assert await left() == [100], "the clock was ahead when it was heard before"
