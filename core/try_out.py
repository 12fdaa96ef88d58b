"""Trying an integration out: a signed delivery such as its source's service would send."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from core import auth
from core.auth import Actor
from core.context import Context
from core.errors import Conflict, Invalid, Malformed, NotFound
from core.integrations import Installed
from core.sources import Delivery, SignedRequest
from core.texts import T

KEY_SECONDS = 300.0
"""How long the key made for a try of a `bearer` integration is good."""


async def sign(
    ctx: Context,
    installed: Installed,
    *,
    sample: str | None,
    payload: Any,
    event_type: str | None,
    delivery_id: str | None,
    actor: Actor,
) -> SignedRequest:
    """Sign a sample by its name, or a payload; if neither is given, the first sample that leads to an action.

    Without a `delivery_id` a sample's own event id is taken, and a hash of the payload: sent twice, the second is a
    duplicate. Raises `NotFound`, `Invalid`, `Conflict` (no secret).
    """
    actor.require("admin")
    if payload is None:
        payload, own_type, own_id = _sample(installed, sample)
    elif sample is not None:
        raise Invalid(T("Give one of sample and payload."), path="sample")
    else:
        own_type, own_id = _own_names(installed, payload)
    return installed.source.sign(
        installed.source_params,
        secret=await _secret(ctx, installed, actor),
        event_type=event_type or own_type,
        delivery_id=delivery_id or own_id,
        payload=payload,
        now=ctx.clock.now(),
    )


def _sample(installed: Installed, name: str | None) -> tuple[Any, str, str]:
    samples = installed.package.samples
    chosen = name or min((n for n in samples if samples[n].actions), default=min(samples))
    if chosen not in samples:
        raise NotFound(
            T(
                "{integration} has no sample {sample}. It has: {known}.",
                integration=installed.slug,
                sample=repr(chosen),
                known=", ".join(sorted(samples)),
            ),
            sample=chosen,
        )
    event = samples[chosen].event
    return event.payload, event.type, event.id


def _own_names(installed: Installed, payload: Any) -> tuple[str, str]:
    """Return what the payload itself says of its type and delivery, where this source puts it there."""
    digest = hashlib.sha256(orjson.dumps(payload)).hexdigest()[:32]
    params = installed.source_params
    try:
        identity = installed.source.identify(params, Delivery({}, b""), payload)
    except Malformed:  # this source says it in headers: take one that the handler listens to
        return (params.events[0] if params.events else "event"), digest
    return identity.type, identity.delivery_id or digest


async def _secret(ctx: Context, installed: Installed, actor: Actor) -> str:
    """Return what a sender would sign with, or for the bearer scheme a key that lives for five minutes."""
    if installed.source.key_authenticated:
        _, plain = await auth.issue(
            ctx,
            actor=actor,
            name=f"test of {installed.slug}",
            permissions=["webhooks.receive"],
            expires_at=ctx.clock.now() + KEY_SECONDS,
        )
        return plain
    valid = installed.secrets_at(ctx.clock.now())
    if installed.source.needs_secret and not valid:
        raise Conflict(T("{name} has no webhook secret yet.", name=installed.name), missing=["webhook_secret"])
    return valid[0] if valid else ""
