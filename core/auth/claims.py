"""The first admin in Slack: whoever types the one-time code that a start printed."""

from __future__ import annotations

import hashlib
import secrets

from core import audit
from core.actors import Actor
from core.context import Context
from core.errors import Denied
from core.texts import T
from storage import slack_admins as rows

CODE_SECONDS = 24 * 3600.0
"""How long a code is good; the next start prints another."""
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP = 4, 5
"""Twenty of 32 letters: 100 random bits, which nobody guesses through Slack."""


async def ensure_claim_code(ctx: Context) -> str | None:
    """Return a new code when Slack is connected and nobody is its admin yet, to be printed this once."""
    settings = ctx.settings
    connected = settings.slack_bot_token is not None and settings.slack_app_token is not None
    if not connected or settings.slack_admins or "slack" not in settings.roles:
        return None
    code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    now = ctx.clock.now()
    kept = await ctx.db.write(rows.offer, _hash(code), now=now, expires_at=now + CODE_SECONDS)
    return code if kept else None


async def claim(ctx: Context, code: str, *, actor: Actor) -> None:
    """Make `actor`, a Slack user, an admin; raise `Denied` for a code that is wrong, used or too old."""
    now = ctx.clock.now()
    row = {"user_id": actor.id, "name": actor.name, "claimed_at": now}
    entry = audit.entry(ctx, actor, "slack.admin_claimed", subject=actor.id, after={"role": "admin"})
    if not await ctx.db.write(rows.claim, _hash(code), row=row, now=now, entry=entry):
        raise Denied(
            T(
                "This code is not good: it is mistyped, used already, or older than a day. The engine's start prints "
                "one as long as nobody is an admin; later, CCB_SLACK_ADMINS names more."
            ),
            error="Claim refused",
        )


async def claimed_admins(ctx: Context) -> frozenset[str]:
    """Return the Slack ids of those who claimed."""
    return await ctx.db.read(rows.all_of_them)


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()
