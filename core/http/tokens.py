"""API keys: list, make, change, revoke, and what one can ask about one's own."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core import auth
from core.auth import PERMISSIONS, Permission
from core.context import Context
from core.errors import Conflict, Denied, Invalid, NotFound
from core.http.routes import ANY_KEY, Request, kept_for, moment, route, time_of
from core.http.times import AHEAD, KEPT
from core.texts import T

_KNOWN: dict[str, Any] = {"items": {"type": "string", "enum": list(PERMISSIONS)}, "minItems": 1}
_SAID: dict[str, Any] = {"pattern": r"\S"}


_SOMETHING: dict[str, Any] = {
    "anyOf": [
        {"required": ["name"], "properties": {"name": {"type": "string"}}},
        {"required": ["permissions"], "properties": {"permissions": {"type": "array"}}},
        {"required": ["expires_at"]},
    ]
}
"""Of a change: it changes something."""


class TokenOut(BaseModel):
    """An API key; its text is shown only when it is made."""

    id: str
    name: str
    prefix: str = Field(description="The first characters, to recognise it by.")
    permissions: list[Permission]
    status: Literal["active", "expired", "revoked"]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None = Field(description="To the minute.")
    origin: Literal["made", "environment"] = Field(description="environment: from CCB_ADMIN_KEY.")


class TokenMade(TokenOut):
    """A new API key."""

    token: str = Field(description="The key itself, shown this once.")


class TokenIn(BaseModel):
    """The key that is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=auth.LONGEST_NAME, json_schema_extra=_SAID)
    permissions: list[str] = Field(
        description="At most what the asking key holds.",
        examples=[["integrations.read", "integrations.write"]],
        json_schema_extra=_KNOWN,
    )
    expires_at: str | None = Field(
        None,
        description="ISO 8601, or from now on such as 30d; absent: never.",
        examples=["30d"],
        json_schema_extra=AHEAD,
    )


class TokenChange(BaseModel):
    """What is to change."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_SOMETHING)

    name: str | None = Field(None, min_length=1, max_length=auth.LONGEST_NAME, json_schema_extra=_SAID)
    permissions: list[str] | None = Field(
        None, description="All that it is to have, at most what the asking key holds.", json_schema_extra=_KNOWN
    )
    expires_at: str | None = Field(
        None, description="ISO 8601, or from now on such as 30d; null: never.", json_schema_extra=AHEAD
    )


class RotateIn(BaseModel):
    """How to rotate."""

    model_config = ConfigDict(extra="forbid", strict=True)

    keep: str = Field(
        "24h",
        description="How long the former text stays good beside the new one, from 0s to 30d.",
        json_schema_extra=KEPT,
    )


class TokenInfo(BaseModel):
    """The key that asks."""

    name: str
    permissions: list[Permission]
    expires_at: str | None
    last_used_at: str | None


class Verified(BaseModel):
    """The key that asks is good."""

    valid: Literal[True]
    name: str
    permissions: list[Permission]


@route(
    "GET", "/v1/auth/tokens", permission="tokens.read", tag="keys", response=list[TokenOut],
    summary=T("List API keys"),
)  # fmt: skip
async def list_all(ctx: Context, request: Request) -> list[TokenOut]:
    """List every key, newest first, those that are expired or revoked too."""
    keys = await auth.list_keys(ctx, actor=request.actor)
    return [TokenOut(**_shown(key, ctx.clock.now())) for key in keys]


@route(
    "POST", "/v1/auth/tokens", permission="tokens.write", tag="keys", request=TokenIn, response=TokenMade,
    status=201, errors=(Denied,), summary=T("Make an API key"),
)  # fmt: skip
async def make(ctx: Context, request: Request) -> TokenMade:
    """Make a key. It can never be granted what the asking key does not hold."""
    wish, now = request.body_as(TokenIn), ctx.clock.now()
    expires_at = time_of(wish.expires_at, now=now, path="expires_at", ahead=True)
    key, plain = await auth.issue(
        ctx, actor=request.actor, name=wish.name, permissions=wish.permissions, expires_at=expires_at
    )
    return TokenMade(**_shown(key, now), token=plain)


@route(
    "GET", "/v1/auth/tokens/{id}", permission="tokens.read", tag="keys", response=TokenOut, errors=(NotFound,),
    summary=T("Get an API key"),
)  # fmt: skip
async def get(ctx: Context, request: Request) -> TokenOut:
    """Get one key."""
    return TokenOut(**_shown(await auth.get(ctx, request.path["id"], actor=request.actor), ctx.clock.now()))


@route(
    "PATCH", "/v1/auth/tokens/{id}", permission="tokens.write", tag="keys", request=TokenChange, response=TokenOut,
    errors=(NotFound, Conflict, Denied),
    summary=T("Rename an API key, replace its permissions, or set when it expires"),
)  # fmt: skip
async def change(ctx: Context, request: Request) -> TokenOut:
    """Change a key. It can never be granted what the asking key does not hold."""
    wish, now = request.body_as(TokenChange), ctx.clock.now()
    if wish.name is None and wish.permissions is None and "expires_at" not in wish.model_fields_set:
        raise Invalid(T("Nothing is to change: give name, permissions or expires_at."), path="permissions")
    expires_at: float | Literal["as it is"] | None = "as it is"
    if "expires_at" in wish.model_fields_set:
        expires_at = time_of(wish.expires_at, now=now, path="expires_at", ahead=True)
    key = await auth.change(
        ctx,
        request.path["id"],
        actor=request.actor,
        name=wish.name,
        permissions=wish.permissions,
        expires_at=expires_at,
    )
    return TokenOut(**_shown(key, now))


@route(
    "POST", "/v1/auth/tokens/{id}/rotate", permission="tokens.write", tag="keys", request=RotateIn, response=TokenMade,
    errors=(NotFound, Conflict, Denied), summary=T("Give an API key a new text; the former stays good for a while"),
)  # fmt: skip
async def rotate(ctx: Context, request: Request) -> TokenMade:
    """Rotate a key: its id, name and permissions stay. Both texts are good for the time that `keep` says."""
    keep = kept_for(request.body_as(RotateIn).keep, path="keep")
    key, plain = await auth.rotate(ctx, request.path["id"], actor=request.actor, keep_seconds=keep)
    return TokenMade(**_shown(key, ctx.clock.now()), token=plain)


@route(
    "DELETE", "/v1/auth/tokens/{id}", permission="tokens.write", tag="keys", response=TokenOut,
    errors=(NotFound, Conflict), summary=T("Revoke an API key"),
)  # fmt: skip
async def revoke(ctx: Context, request: Request) -> TokenOut:
    """Revoke a key: at once on this node, within five seconds on the others."""
    key = await auth.revoke(ctx, request.path["id"], actor=request.actor)
    return TokenOut(**_shown(key, ctx.clock.now()))


@route(
    "GET", "/v1/auth/token-info", permission=ANY_KEY, tag="keys", response=TokenInfo,
    summary=T("Ask about the key that asks: until when it is good, and for what"),
)  # fmt: skip
async def info(ctx: Context, request: Request) -> TokenInfo:
    """Describe the asking key; on the engine's own socket there is none, and nothing expires."""
    actor = request.actor
    permissions = auth.in_order(actor.permissions)
    if actor.kind != "key":
        return TokenInfo(name=actor.name, permissions=permissions, expires_at=None, last_used_at=None)
    key = await auth.get(ctx, actor.id, actor=actor)
    return TokenInfo(
        name=key.name,
        permissions=permissions,
        expires_at=_moment(key.expires_at),
        last_used_at=_moment(key.last_used_at),
    )


@route(
    "GET", "/v1/auth/verify", permission=ANY_KEY, tag="keys", response=Verified,
    summary=T("Check the key that asks"),
)  # fmt: skip
async def verify(ctx: Context, request: Request) -> Verified:
    """Answer 200 with the permissions when the key is good, 401 with the reason when it is not."""
    return Verified(valid=True, name=request.actor.name, permissions=auth.in_order(request.actor.permissions))


def _shown(key: auth.ApiKey, now: float) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": f"{key.prefix}…",
        "permissions": auth.in_order(key.permissions),
        "status": key.status(now),
        "created_at": moment(key.created_at),
        "created_by": key.created_by,
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
        "last_used_at": _moment(key.last_used_at),
        "origin": key.origin,
    }


def _moment(seconds: float | None) -> str | None:
    return moment(seconds) if seconds is not None else None
