"""API keys: make, check, change, revoke.

Only a key's SHA-256 is stored, and it is found by that hash, so nothing is compared whose time could tell how much of a
guess was right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from core import audit
from core.actors import SYSTEM, Actor, Permission, in_order, parse_permissions
from core.auth.key_form import hash_of, is_well_formed, new_key
from core.clock import moment
from core.context import Context
from core.errors import Conflict, Invalid, Malformed, NotFound, Unauthenticated
from core.ids import new_id
from core.texts import T
from storage import api_keys as rows

CACHE_SECONDS = 5.0
"""How long a key that was found is taken for valid without asking: a revocation shows on other nodes within this."""
TOUCH_SECONDS = 60.0
"""`last_used_at` is this coarse: it is written at most so often for each key."""
SHOWN = 8
"""Characters of a key that lists show."""
LONGEST_NAME = 100
ROTATION_SECONDS = 86400.0
"""How long a key's former text stays good after a rotation, unless said otherwise."""

_CACHE = "api keys"
_TIMES = frozenset({"expires_at", "revoked_at", "former_until"})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown. Times are seconds since the epoch."""

    id: str
    name: str
    prefix: str
    permissions: frozenset[Permission]
    created_at: float
    created_by: str
    expires_at: float | None
    revoked_at: float | None
    last_used_at: float | None
    origin: str

    @property
    def actor(self) -> Actor:
        """Who asks with this key."""
        return Actor("key", self.id, self.name, self.permissions)

    def status(self, now: float) -> Literal["active", "expired", "revoked"]:
        """Return whether it is still good."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at is None or self.expires_at > now else "expired"


async def issue(
    ctx: Context, *, actor: Actor, name: str, permissions: Iterable[str], expires_at: float | None = None
) -> tuple[ApiKey, str]:
    """Make a key; return it and its plain text, which is not kept.

    Raises `Denied` when it would grant what `actor` does not hold, `Invalid` for an unknown permission, an empty name
    or a time to expire (seconds since the epoch) that is past.
    """
    actor.require("tokens.write")
    granted = parse_permissions(permissions)
    actor.require(*in_order(granted))
    now = ctx.clock.now()
    if expires_at is not None and expires_at <= now:
        raise Invalid(T("expires_at must lie in the future."), path="expires_at")
    plain = new_key()
    row = _row(plain, name=_checked_name(name), permissions=granted, now=now, by=actor.name, origin="made")
    row["expires_at"] = expires_at
    entry = audit.entry(ctx, actor, "token.made", subject=row["id"], after=_audited(_key(rows.ApiKeyRow(**row))))
    await ctx.db.write(rows.add, row, entry)
    return _key(rows.ApiKeyRow(**row)), plain


async def authenticate(ctx: Context, header: str | None) -> Actor:
    """Return who shows the key in an Authorization header.

    Raises `Malformed` for a header of the wrong form (RFC 6750 §2.1) and `Unauthenticated` for a key that is missing,
    unknown, expired or revoked.
    """
    hashed = hash_of(plain := _credentials(header))
    cache: dict[str, ApiKey] | None = ctx.memo.get(_CACHE)
    if cache is None:
        cache = {}
        ctx.memo.put(_CACHE, cache, seconds=CACHE_SECONDS)
    key = cache.get(hashed)
    if key is None:
        row = await ctx.db.read(rows.by_hash, hashed)
        if row is None:
            raise _unknown(plain)
        key = _key(row) if row.hash == hashed else _former(row)
    now = ctx.clock.now()
    _refuse_unusable(key, now)
    if key.last_used_at is None or now - key.last_used_at >= TOUCH_SECONDS:
        await ctx.db.write(rows.touch, key.id, now=now, unless_since=now - TOUCH_SECONDS)
        key = replace(key, last_used_at=now)
    # A revocation in the meantime has dropped this dict from the memory, so that nobody finds the key in it any more.
    cache[hashed] = key
    return key.actor


def shown(row: rows.ApiKeyRow) -> ApiKey:
    """Return a stored key as it may be shown."""
    return _key(row)


async def list_keys(ctx: Context, *, actor: Actor) -> Sequence[ApiKey]:
    """Return every key, newest first."""
    actor.require("tokens.read")
    return [_key(row) for row in await ctx.db.read(rows.all_of_them)]


async def get(ctx: Context, key_id: str, *, actor: Actor) -> ApiKey:
    """Return one key; everybody may see their own. Raises `NotFound`."""
    if actor.id != key_id:
        actor.require("tokens.read")
    row = await ctx.db.read(rows.get, key_id)
    if row is None:
        raise _no_such(key_id)
    return _key(row)


async def change(
    ctx: Context,
    key_id: str,
    *,
    actor: Actor,
    name: str | None = None,
    permissions: Iterable[str] | None = None,
    expires_at: float | Literal["as it is"] | None = "as it is",
) -> ApiKey:
    """Rename a key, replace its permissions or set when it expires; it can be given only what `actor` holds.

    `expires_at`: seconds since the epoch, None for never. Nobody changes a key that may more than they do.
    Raises `NotFound`, `Invalid`, `Denied`, and `Conflict` for a key that is revoked or comes from CCB_ADMIN_KEY.
    """
    actor.require("tokens.write")
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = _checked_name(name)
    if permissions is not None:
        granted = parse_permissions(permissions)
        actor.require(*in_order(granted))
        values["permissions"] = _dump(granted)
    present = await _governed(ctx, key_id, actor)
    if expires_at != "as it is":
        if expires_at is not None and expires_at <= ctx.clock.now():
            raise Invalid(T("expires_at must lie in the future."), path="expires_at")
        values["expires_at"] = expires_at
    changed = await _set(ctx, present, values, actor=actor, action="token.changed") if values else present
    if changed.revoked_at is not None:
        raise Conflict(T("The key {name} is revoked. Make a new one.", name=changed.name), token=key_id)
    return changed


async def revoke(ctx: Context, key_id: str, *, actor: Actor) -> ApiKey:
    """End a key: on this node at once, on others within `CACHE_SECONDS`. Once is enough, twice does no harm.

    Who could revoke a stronger key could lock its owner out: `actor` must hold all that the key does.
    """
    actor.require("tokens.write")
    present = await _governed(ctx, key_id, actor)
    return await _set(ctx, present, {"revoked_at": ctx.clock.now()}, actor=actor, action="token.revoked")


async def rotate(
    ctx: Context, key_id: str, *, actor: Actor, keep_seconds: float = ROTATION_SECONDS
) -> tuple[ApiKey, str]:
    """Give a key a new text; return it and that text, which is not kept. The former is good for `keep_seconds` more.

    Who rotates holds the text afterwards, so `actor` must hold all that the key does. Raises `NotFound`, `Denied`, and
    `Conflict` for a key that is revoked, expired or comes from CCB_ADMIN_KEY.
    """
    actor.require("tokens.write")
    present, now = await _governed(ctx, key_id, actor), ctx.clock.now()
    if present.revoked_at is not None or (present.expires_at is not None and present.expires_at <= now):
        raise Conflict(T("The key {name} is revoked or expired. Make a new one.", name=present.name), token=key_id)
    plain = new_key()
    row = await ctx.db.read(rows.get, key_id)
    values = {
        "hash": hash_of(plain),
        "prefix": plain[:SHOWN],
        "former_hash": row.hash if row is not None and keep_seconds > 0 else None,
        "former_until": now + keep_seconds if keep_seconds > 0 else None,
    }
    return await _set(ctx, present, values, actor=actor, action="token.rotated"), plain


async def ensure_first_admin(ctx: Context) -> str | None:
    """Make sure that somebody can get in; called once at the start.

    With CCB_ADMIN_KEY that is the admin key, and the one it had before is revoked. Without it, and without any usable
    admin key, one is made; its plain text is returned, to be printed this once.
    """
    now, setting = ctx.clock.now(), ctx.settings.admin_key
    if setting is not None:
        plain = setting.get_secret_value()
        row = _row(
            plain, name="CCB_ADMIN_KEY", permissions=SYSTEM.permissions, now=now, by="environment", origin="environment"
        )
        await ctx.db.write(rows.put_environment, row)
        made = None
    else:
        plain = new_key()
        row = _row(plain, name="first admin", permissions=SYSTEM.permissions, now=now, by=SYSTEM.name, origin="made")
        await ctx.db.write(rows.revoke_environment, now=now)
        made = plain if await ctx.db.write(rows.add_unless_admin, row) else None
    ctx.memo.drop(_CACHE)
    return made


async def _own(ctx: Context, key_id: str) -> ApiKey:
    """Return a key that was made here; one from the environment would come back at the next start."""
    row = await ctx.db.read(rows.get, key_id)
    if row is None:
        raise _no_such(key_id)
    if row.origin == "environment" and row.revoked_at is None:
        raise Conflict(
            T("This key comes from CCB_ADMIN_KEY. Change or remove that setting and start again: that revokes it."),
            token=key_id,
        )
    return _key(row)


async def _governed(ctx: Context, key_id: str, actor: Actor) -> ApiKey:
    """Return a key that was made here and may no more than `actor` does."""
    present = await _own(ctx, key_id)
    actor.require(*in_order(present.permissions))
    return present


async def _set(ctx: Context, present: ApiKey, values: Mapping[str, Any], *, actor: Actor, action: str) -> ApiKey:
    shown = {name: value for name, value in values.items() if name not in ("hash", "former_hash")}
    if "permissions" in shown:
        shown["permissions"] = orjson.loads(shown["permissions"])
    shown |= {name: _moment(shown[name]) for name in _TIMES & shown.keys()}
    before = _audited(present)
    entry = audit.entry(ctx, actor, action, subject=present.id, before=before, after={**before, **shown})
    row = await ctx.db.write(rows.change, present.id, values, entry)
    ctx.memo.drop(_CACHE)
    if row is None:
        raise _no_such(present.id)
    return _key(row)


def _audited(key: ApiKey) -> dict[str, Any]:
    """Return what the audit keeps of a key: nothing that could be used."""
    return {
        "name": key.name,
        "prefix": key.prefix,
        "permissions": in_order(key.permissions),
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else moment(at)


def _former(row: rows.ApiKeyRow) -> ApiKey:
    """Return a key as it is for whoever still shows its text from before its last rotation."""
    key, until = _key(row), row.former_until or 0.0
    return replace(key, expires_at=until if key.expires_at is None else min(until, key.expires_at))


def _credentials(header: str | None) -> str:
    if header is None:
        raise Unauthenticated(T("No API key was sent. Send the header `Authorization: Bearer ccb_…`."))
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.startswith("ccb_"):
        raise Malformed(T("`Bearer` is missing before the key. Send the header `Authorization: Bearer ccb_…`."))
    if scheme.lower() != "bearer" or not credentials.strip():
        raise Malformed(T("The Authorization header must have the form `Bearer ccb_…`."))
    return credentials.strip()


def _unknown(plain: str) -> Unauthenticated:
    if not plain.startswith("ccb_"):
        return Unauthenticated(T("Our API keys begin with ccb_; this is the token of another service."))
    if not is_well_formed(plain):
        return Unauthenticated(T("This API key is mistyped or cut off: its checksum is wrong. Copy it again in full."))
    return Unauthenticated(T("This engine does not know this API key. Was it made on another one?"))


def _refuse_unusable(key: ApiKey, now: float) -> None:
    if key.revoked_at is not None:
        raise Unauthenticated(T("This API key was revoked on {when}. Use another one.", when=_when(key.revoked_at)))
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthenticated(
            T("This API key expired on {when}. Make a new one: POST /v1/auth/tokens.", when=_when(key.expires_at))
        )


def _no_such(key_id: str) -> NotFound:
    return NotFound(T("There is no API key {key}. GET /v1/auth/tokens lists them.", key=key_id), token=key_id)


def _checked_name(name: str) -> str:
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise Invalid(T("A key's name has 1 to {limit} characters.", limit=LONGEST_NAME), path="name")
    return name.strip()


def _row(
    plain: str, *, name: str, permissions: frozenset[Permission], now: float, by: str, origin: str
) -> dict[str, Any]:
    return {
        "id": new_id("key"),
        "name": name,
        "hash": hash_of(plain),
        "prefix": plain[:SHOWN],
        "permissions": _dump(permissions),
        "created_at": now,
        "created_by": by,
        "origin": origin,
    }


def _key(row: rows.ApiKeyRow) -> ApiKey:
    values = row.model_dump(exclude={"hash", "permissions", "former_hash", "former_until"})
    return ApiKey(**values, permissions=frozenset(orjson.loads(row.permissions)))


def _dump(permissions: frozenset[Permission]) -> str:
    return orjson.dumps(in_order(permissions)).decode()


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
