"""The Idempotency-Key header of POSTs: who asks twice, because an answer was lost, is answered once and the same.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ (version 07). What is kept is the answer to
a request that did something: one below 400. Every other leaves nothing behind, neither here nor in the engine, so that
it may be repeated under the same key once its cause is gone, and is then really done.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import re
from collections.abc import Awaitable, Callable

import orjson
import structlog
from aiohttp import web

from core.auth import Actor
from core.context import Context
from core.errors import InProgress, Invalid, Malformed
from core.http.errors import AWAY
from core.texts import T
from storage import idempotency as rows
from storage.idempotency import Kept

log = structlog.get_logger()

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEEP_SECONDS = 12 * 3600.0
LEASE_SECONDS = 60.0
"""After how long a request that never came to its end (a crash) may be begun again."""
LONGEST = 255
LARGEST = 1 << 20
"""Bytes of an answer that is kept; a larger one is made anew each time."""

_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
"""RFC 9651 §3.3.3."""
_BARE = re.compile(r"[\x20-\x7e]+")
_KEPT_HEADERS = ("Content-Type", "Content-Language", "Location")

Run = Callable[[], Awaitable[web.StreamResponse]]


def key_of(raw: web.BaseRequest) -> str | None:
    """Return the key that a request shows, as a string of RFC 9651 or bare; raise `Malformed` for another form."""
    given = raw.headers.getall(HEADER, ())
    if not given:
        return None
    text = given[0].strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if len(given) > 1 or not 1 <= len(key) <= LONGEST or not _BARE.fullmatch(key) or (text[0] == '"' and not quoted):
        raise Malformed(
            T("{header} takes one key of 1 to {limit} printable ASCII characters.", header=HEADER, limit=LONGEST),
            header=HEADER,
        )
    return key


async def once(
    ctx: Context, raw: web.Request, *, actor: Actor, key: str, content: bytes, run: Run
) -> web.StreamResponse:
    """Answer with what is kept for this request, else run it and keep its answer.

    Raises `Invalid` when the key belongs to another request, `InProgress` while the first one is being worked on.
    """
    now, digest = ctx.clock.now(), _digest(raw, content)
    claimed = Kept(
        scope=actor.id,
        key=key,
        fingerprint=ctx.secrets.encrypt(digest),
        created_at=now,
        expires_at=now + LEASE_SECONDS,
    )
    found = await ctx.db.write(rows.claim, claimed)
    if found is not None:
        return _repeated(ctx, found, digest, now)
    kept = False
    renewing = asyncio.create_task(_renew(ctx, claimed), name="renew-idempotency")
    try:
        response = await run()
        kept = await _keep(ctx, claimed, response)
    finally:
        renewing.cancel()
        if not kept:
            await ctx.db.write(rows.release, claimed)
    return response


async def _renew(ctx: Context, claimed: Kept) -> None:
    """Hold off twins for as long as the request is worked on."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        try:
            await ctx.db.write(rows.renew, claimed, ctx.clock.now() + LEASE_SECONDS)
        except AWAY as error:  # the next one may get through before the lease ends
            log.warning("idempotency key not renewed", reason=type(error).__name__)


def _repeated(ctx: Context, found: Kept, digest: str, now: float) -> web.Response:
    if ctx.secrets.decrypt(found.fingerprint) != digest:
        raise Invalid(
            T(
                "The {header} {key} belongs to another request: its method, address or body was different. "
                "Take a new key for each request.",
                header=HEADER,
                key=found.key,
            ),
            error="Idempotency key reused",
            path=HEADER,
            key=found.key,
        )
    if found.response is None or found.status is None:
        raise InProgress(
            T("The request with the {header} {key} is still being worked on.", header=HEADER, key=found.key),
            retry_after=min(math.ceil(found.expires_at - now), 2),
            key=found.key,
        )
    stored = orjson.loads(ctx.secrets.decrypt(found.response))
    return web.Response(
        status=found.status, body=base64.b64decode(stored["body"]), headers={**stored["headers"], REPLAYED: "true"}
    )


async def _keep(ctx: Context, claimed: Kept, response: web.StreamResponse) -> bool:
    """Keep an answer that is worth it; say whether the claim is to stand."""
    body = response.body if isinstance(response, web.Response) else None
    if response.status >= 400 or not isinstance(body, bytes) or len(body) > LARGEST:
        return False
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    sealed = ctx.secrets.encrypt(orjson.dumps({"headers": headers, "body": base64.b64encode(body).decode()}).decode())
    try:
        await ctx.db.write(
            rows.keep, claimed, status=response.status, response=sealed, expires_at=ctx.clock.now() + KEEP_SECONDS
        )
    except AWAY as error:  # it is done, and that is what the caller must hear; the claim holds twins off for its lease
        log.warning("answer not kept under its idempotency key", reason=type(error).__name__)
    return True


def _digest(raw: web.Request, content: bytes) -> str:
    head = f"{raw.method} {raw.rel_url}\n".encode(errors="surrogateescape")
    return hashlib.blake2b(head + content, digest_size=16).hexdigest()
