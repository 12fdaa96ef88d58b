"""Sessions of the dashboard: an API key, shown once, stands behind a cookie; so does the local user's one-time link.

A session may do what its key may at that moment, and is over with it: each request reads the key anew, so that a key
that was revoked, rotated or has expired ends its sessions at once and on every node.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from core import audit, auth
from core.actors import LOCAL, Actor
from core.auth.key_form import hash_of
from core.context import Context
from core.errors import Malformed, Unauthenticated
from core.texts import T
from storage import api_keys
from storage import sessions as rows

IDLE_SECONDS = 12 * 3600.0
"""A session of which nothing was asked for so long is over."""
LONGEST_SECONDS = 7 * 86400.0
"""No session lasts longer, however much it is used."""
LINK_SECONDS = 300.0
"""How long a sign-in link is good, if it is not used before."""
TOUCH_SECONDS = 60.0
"""`used_at` is this coarse."""


async def sign_in(ctx: Context, key: str) -> tuple[Actor, str]:
    """Open a session for an API key; return who that is, and the session's secret, which is not kept.

    Raises `Unauthenticated`, in the same words whatever is wrong with the key.
    """
    try:
        actor = await auth.authenticate(ctx, f"Bearer {key.strip()}")
    except (Malformed, Unauthenticated):
        raise _wrong_key() from None
    row = await ctx.db.read(api_keys.get, actor.id)
    if row is None or row.hash != hash_of(key.strip()):  # its text from before a rotation
        raise _wrong_key()
    return actor, await _open(ctx, actor, key_hash=row.hash, how="key")


async def offer_link(ctx: Context, *, actor: Actor, key: str | None) -> tuple[str, float]:
    """Make a link's secret for whoever asks, with `key` unless locally; return it, and when it ends (epoch seconds).

    Raises `Unauthenticated` for a key's text from before a rotation: what it opens would outlive it.
    """
    plain, expires_at = _new(), ctx.clock.now() + LINK_SECONDS
    stands = await ctx.db.read(api_keys.get, actor.id) if actor is not LOCAL else None
    if actor is not LOCAL and (stands is None or key is None or stands.hash != hash_of(key)):
        raise _wrong_key()
    row = {"hash": _hash(plain), "key_id": stands.id if stands else None,
           "key_hash": stands.hash if stands else None, "expires_at": expires_at}  # fmt: skip
    await ctx.db.write(rows.offer, row, audit.entry(ctx, actor, "dashboard.link_made", subject=actor.id))
    return plain, expires_at


async def follow_link(ctx: Context, secret: str) -> tuple[Actor, str]:
    """Open the session that a link is for, which uses it up; return who that is, and the session's secret.

    Raises `Unauthenticated`, in the same words for one that is used, too old or unknown, or whose key is not good.
    """
    now = ctx.clock.now()
    link = await ctx.db.write(rows.take, _hash(secret.strip()), now=now)
    if link is None:
        raise _wrong_link()
    actor: Actor | None = LOCAL
    if link.key_id is not None:
        actor = _actor(await ctx.db.read(api_keys.get, link.key_id), link.key_hash, now)
    if actor is None:
        raise _wrong_link()
    return actor, await _open(ctx, actor, key_hash=link.key_hash, how="link")


async def who(ctx: Context, secret: str) -> Actor | None:
    """Return who is signed in with this secret; None where nobody is any more."""
    now, hashed = ctx.clock.now(), _hash(secret)
    found = await ctx.db.read(rows.find, hashed)
    if found is None or found.session.expires_at <= now or found.session.used_at + IDLE_SECONDS <= now:
        return None
    local = found.session.key_id is None
    actor = LOCAL if local else _actor(found.key, found.session.key_hash, now)
    if actor is not None and now - found.session.used_at >= TOUCH_SECONDS:
        await ctx.db.write(rows.touch, hashed, now=now)
    return actor


async def sign_out(ctx: Context, secret: str, *, actor: Actor) -> None:
    """End a session."""
    entry = audit.entry(ctx, actor, "dashboard.signed_out", subject=actor.id)
    await ctx.db.write(rows.close, _hash(secret), entry)


async def forget(ctx: Context) -> None:
    """Delete sessions and links that are over; called every minute, on one node."""
    now = ctx.clock.now()
    await ctx.db.write(rows.forget, now=now, idle_since=now - IDLE_SECONDS)


async def _open(ctx: Context, actor: Actor, *, key_hash: str | None, how: str) -> str:
    plain, now = _new(), ctx.clock.now()
    row: dict[str, Any] = {
        "hash": _hash(plain),
        "key_id": actor.id if actor is not LOCAL else None,
        "key_hash": key_hash,
        "created_at": now,
        "used_at": now,
        "expires_at": now + LONGEST_SECONDS,
    }
    entry = audit.entry(ctx, actor, "dashboard.signed_in", subject=actor.id, after={"with": how})
    await ctx.db.write(rows.open_session, row, entry)
    return plain


def _actor(row: api_keys.ApiKeyRow | None, key_hash: str | None, now: float) -> Actor | None:
    """Return who a key stands for, as long as it is the same and good."""
    if row is None or row.hash != key_hash:
        return None
    key = auth.shown(row)
    return key.actor if key.status(now) == "active" else None


def _new() -> str:
    return secrets.token_urlsafe(32)


def _hash(plain: str) -> str:
    return hashlib.sha256(plain.encode(errors="surrogateescape")).hexdigest()


def _wrong_key() -> Unauthenticated:
    return Unauthenticated(
        T(
            "This API key is not good: mistyped, expired, revoked, or replaced by a rotation. Copy it again in full; "
            "on the engine's own machine `ccb dashboard` signs in without one."
        )
    )


def _wrong_link() -> Unauthenticated:
    return Unauthenticated(
        T(
            "This sign-in link is not good: it works once, for five minutes. Make another with `ccb dashboard`, or "
            "sign in with an API key."
        ),
        error="Sign-in link refused",
    )
