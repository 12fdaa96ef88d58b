"""Who is asking and what they may do: permissions, roles, API keys.

A key is `ccb_`, 256 random bits in base 62 (43 characters) and a CRC-32 over what stands before (6 characters), so that
a mistyped key is recognised without asking the database and a leaked one by scanners
(https://github.blog/engineering/behind-githubs-new-authentication-token-formats/). Only its SHA-256 is stored; it is
found by that hash, so nothing is compared whose time could tell how much of a guess was right.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

import orjson

from core.context import Context
from core.errors import Conflict, Denied, Invalid, Malformed, NotFound, Unauthenticated
from core.ids import new_id
from core.texts import T
from storage import api_keys as rows

Permission = Literal[
    "integrations.read",
    "integrations.write",
    "integrations.activate",
    "events.read",
    "events.replay",
    "webhooks.receive",
    "alerts.read",
    "alerts.write",
    "metrics.read",
    "logs.read",
    "tokens.read",
    "tokens.write",
    "backup.read",
    "backup.write",
    "admin",
]
PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)

_VIEWER: Final[frozenset[Permission]] = frozenset(
    {"integrations.read", "events.read", "alerts.read", "metrics.read", "logs.read"}
)
ROLES: Final[Mapping[str, frozenset[Permission]]] = {
    "viewer": _VIEWER,
    "operator": _VIEWER | {"integrations.write", "events.replay", "alerts.write"},
    "admin": frozenset({"admin"}),
}
"""What a Slack user is maps to these. Activating fixes what an integration may reach, so it is an admin's."""

CACHE_SECONDS = 5.0
"""How long a key that was found is taken for valid without asking: a revocation shows on other nodes within this."""
TOUCH_SECONDS = 60.0
"""`last_used_at` is this coarse: it is written at most so often for each key."""
SHOWN = 8
"""Characters of a key that lists show."""
LONGEST_NAME = 100

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH, _CHECKSUM_LENGTH = 43, 6
_CACHE = "api keys"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: `id` is stable, `name` is for people and for the records of who did what."""

    kind: Literal["key", "local", "slack", "system", "anonymous"]
    id: str
    name: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Say whether the actor holds `permission`; `admin` implies all."""
        return permission in self.permissions or "admin" in self.permissions

    def require(self, *needed: Permission) -> None:
        """Raise `Denied`, with what is `required` and what is `granted`, unless the actor holds all that is `needed`."""
        missing = [permission for permission in needed if not self.may(permission)]
        if missing:
            raise Denied(
                T(
                    "This needs the permission {required}, which {name} does not have. Ask an admin for a key with it.",
                    required=", ".join(missing),
                    name=self.name,
                ),
                required=missing,
                granted=sorted(self.permissions),
            )


_ADMIN: Final[frozenset[Permission]] = frozenset({"admin"})
LOCAL = Actor("local", "local", "local", _ADMIN)
"""Whoever may open the engine's own socket: the user it runs as, or root."""
SYSTEM = Actor("system", "system", "system", _ADMIN)
ANONYMOUS = Actor("anonymous", "anonymous", "anonymous", frozenset())


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


def new_key() -> str:
    """Return a new key's plain text."""
    body = "ccb_" + _base62(secrets.randbits(256), _RANDOM_LENGTH)
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Say whether `key` has a key's form and its checksum fits: a mistyped one has not."""
    body, checksum = key[:-_CHECKSUM_LENGTH], key[-_CHECKSUM_LENGTH:]
    return (
        len(key) == len("ccb_") + _RANDOM_LENGTH + _CHECKSUM_LENGTH
        and body.startswith("ccb_")
        and all(digit in _DIGITS for digit in body[len("ccb_") :])
        and checksum == _checksum(body)
    )


def parse_permissions(names: Iterable[str]) -> frozenset[Permission]:
    """Return `names` as permissions; raise `Invalid` that lists the known ones."""
    wanted = set(names)
    unknown = sorted(wanted.difference(PERMISSIONS))
    if unknown:
        raise Invalid(
            T(
                "No such permission: {unknown}. Known: {known}.",
                unknown=", ".join(unknown),
                known=", ".join(PERMISSIONS),
            ),
            path="permissions",
            known=list(PERMISSIONS),
        )
    if not wanted:
        raise Invalid(T("A key needs at least one permission. Known: {known}.", known=", ".join(PERMISSIONS)),
                      path="permissions", known=list(PERMISSIONS))  # fmt: skip
    return frozenset(permission for permission in PERMISSIONS if permission in wanted)


def in_order(permissions: frozenset[Permission]) -> list[Permission]:
    """Return permissions in the order in which they are always shown."""
    return [permission for permission in PERMISSIONS if permission in permissions]


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
    await ctx.db.write(rows.add, row)
    return _key(rows.ApiKeyRow(**row)), plain


async def authenticate(ctx: Context, header: str | None) -> Actor:
    """Return who shows the key in an Authorization header.

    Raises `Malformed` for a header of the wrong form (RFC 6750 §2.1) and `Unauthenticated` for a key that is missing,
    unknown, expired or revoked.
    """
    hashed = _hash(plain := _credentials(header))
    cache: dict[str, ApiKey] | None = ctx.memo.get(_CACHE)
    if cache is None:
        cache = {}
        ctx.memo.put(_CACHE, cache, seconds=CACHE_SECONDS)
    key = cache.get(hashed)
    if key is None:
        row = await ctx.db.read(rows.by_hash, hashed)
        if row is None:
            raise _unknown(plain)
        key = _key(row)
    now = ctx.clock.now()
    _refuse_unusable(key, now)
    if key.last_used_at is None or now - key.last_used_at >= TOUCH_SECONDS:
        await ctx.db.write(rows.touch, key.id, now=now, unless_since=now - TOUCH_SECONDS)
        key = replace(key, last_used_at=now)
    # A revocation in the meantime has dropped this dict from the memory, so that nobody finds the key in it any more.
    cache[hashed] = key
    return key.actor


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
    ctx: Context, key_id: str, *, actor: Actor, name: str | None = None, permissions: Iterable[str] | None = None
) -> ApiKey:
    """Rename a key or replace its permissions; it can be given only what `actor` holds.

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
    present = await _own(ctx, key_id)
    changed = await _set(ctx, key_id, values) if values else present
    if changed.revoked_at is not None:
        raise Conflict(T("The key {name} is revoked. Make a new one.", name=changed.name), token=key_id)
    return changed


async def revoke(ctx: Context, key_id: str, *, actor: Actor) -> ApiKey:
    """End a key: on this node at once, on others within `CACHE_SECONDS`. Once is enough, twice does no harm."""
    actor.require("tokens.write")
    await _own(ctx, key_id)
    return await _set(ctx, key_id, {"revoked_at": ctx.clock.now()})


async def ensure_first_admin(ctx: Context) -> str | None:
    """Make sure that somebody can get in; called once at the start.

    With CCB_ADMIN_KEY that is the admin key, and the one it had before is revoked. Without it, and without any usable
    admin key, one is made; its plain text is returned, to be printed this once.
    """
    now, setting = ctx.clock.now(), ctx.settings.admin_key
    if setting is not None:
        plain = setting.get_secret_value()
        row = _row(plain, name="CCB_ADMIN_KEY", permissions=_ADMIN, now=now, by="environment", origin="environment")
        await ctx.db.write(rows.put_environment, row)
        made = None
    else:
        plain = new_key()
        row = _row(plain, name="first admin", permissions=_ADMIN, now=now, by=SYSTEM.name, origin="made")
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


async def _set(ctx: Context, key_id: str, values: Mapping[str, Any]) -> ApiKey:
    row = await ctx.db.write(rows.change, key_id, values)
    ctx.memo.drop(_CACHE)
    if row is None:
        raise _no_such(key_id)
    return _key(row)


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
        "hash": _hash(plain),
        "prefix": plain[:SHOWN],
        "permissions": _dump(permissions),
        "created_at": now,
        "created_by": by,
        "origin": origin,
    }


def _key(row: rows.ApiKeyRow) -> ApiKey:
    values = row.model_dump(exclude={"hash", "permissions"})
    return ApiKey(**values, permissions=frozenset(orjson.loads(row.permissions)))


def _dump(permissions: frozenset[Permission]) -> str:
    return orjson.dumps(in_order(permissions)).decode()


def _hash(plain: str) -> str:
    # A header's bytes that are not UTF-8 reach us as surrogates.
    return hashlib.sha256(plain.encode(errors="surrogateescape")).hexdigest()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode(errors="surrogateescape")), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
