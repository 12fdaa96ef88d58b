"""Answers that still waited at Slack's rate limit when the engine stopped: kept, and sent after the next start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core.context import Context
from core.ids import new_id
from storage import idempotency
from storage.idempotency import Kept

KEEP_SECONDS = 1800.0
"""As long as a response_url is good; what is older answers nobody any more."""
_SCOPE = "slack-left"


@dataclass(frozen=True)
class LateAnswer:
    """An answer as it was to be sent, and where to: members of `Asked` and `Reply`."""

    to: str
    message: Mapping[str, Any]
    user: str
    language: str
    channel: str | None
    thread: str | None
    ts: str
    """Of the pressed message."""
    response_url: str | None
    ephemeral: bool
    direct: bool


async def keep(ctx: Context, answers: Sequence[LateAnswer]) -> None:
    """Keep answers for the next process, sealed: a response_url is a way to write to somebody."""
    now = ctx.clock.now()
    for one in answers:
        sealed = ctx.secrets.encrypt(orjson.dumps(one).decode())
        row = Kept(
            scope=_SCOPE, key=new_id("left"), fingerprint="", response=sealed, created_at=now,
            expires_at=now + KEEP_SECONDS,
        )  # fmt: skip
        await ctx.db.write(idempotency.claim, row)


async def take(ctx: Context) -> list[LateAnswer]:
    """Return what was kept and is not too old, the oldest first; it is kept no longer."""
    found = await ctx.db.write(idempotency.take, _SCOPE, ctx.clock.now())
    return [LateAnswer(**orjson.loads(ctx.secrets.decrypt(one.response or ""))) for one in found]
