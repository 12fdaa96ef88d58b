"""Accepting a delivery: what must be true before it is stored, in the contract's order, the cheapest first."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import orjson

from core.context import Context
from core.errors import Denied, Malformed, Unavailable
from core.handler_event import without_proofs
from core.ids import new_id
from core.integrations import Installed
from core.sources import Delivery, Identity
from core.sources.naming import lookup, number_at
from core.texts import T
from storage import accept as rows

MOST_WAITING = 2_000
"""Deliveries before the writer beyond which new ones are turned away (503), so that memory is bounded."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a delivery: an event (new, or the one it repeats), or an answer that its sender waits for."""

    event_id: str = ""
    duplicate: bool = False
    reply: dict[str, Any] | None = None


async def accept(
    ctx: Context, installed: Installed, delivery: Delivery, *, remote: str, began: float, proof: str | None = None
) -> Receipt:
    """Verify, name, recognise and store one delivery; returns after COMMIT.

    `began`: `time.perf_counter()` when its first byte was looked at. `proof`: what proved the sender where the door has
    done so itself (the bearer scheme). Raises `Unauthenticated`, `Denied`, `Malformed`, `Unavailable`; none of them
    stores anything.
    """
    looked_at = _look_at(ctx, installed, delivery, remote=remote, began=began, proof=proof)
    if isinstance(looked_at, Receipt):
        return looked_at
    accepted = await ctx.db.submit(rows.accept, looked_at)
    return Receipt(accepted.event_id, accepted.duplicate)


def _look_at(
    ctx: Context, installed: Installed, delivery: Delivery, *, remote: str, began: float, proof: str | None
) -> rows.Arrival | Receipt:
    """Return what is to be stored, or the answer that takes its place.

    A function of its own so that the parsed payload is gone before the wait for the COMMIT: hundreds of them at a time
    would keep the garbage collector busier than anything else here.
    """
    now, received = ctx.clock.now(), time.perf_counter()
    source, params = installed.source, installed.source_params
    proof = proof or source.verify(params, delivery, secrets=installed.secrets_at(now), now=now)
    verified = time.perf_counter()
    if installed.status != "active":
        raise inactive()
    payload = source.parse(delivery)
    if (reply := source.reply(params, delivery, payload)) is not None:
        return Receipt(reply=reply)
    if ctx.db.waiting() > MOST_WAITING:
        raise Unavailable(T("Too many deliveries are waiting to be stored. Send it again later."), retry_after=2)
    identity = source.identify(params, delivery, payload)
    keys = _keys(installed, identity, payload)
    recognised = time.perf_counter()
    return rows.Arrival(
        id=new_id("evt", now),
        integration_id=installed.id,
        type=identity.type,
        delivery_id=identity.delivery_id,
        status="queued" if params.handles(identity.type) else "skipped",
        received_at=now,
        remote=remote,
        headers=_kept_headers(delivery),
        body=delivery.body,
        intake=_intake(now, (began, received, verified, recognised), proof, identity, bool(keys)),
        keys=keys,
        expires_at=now + installed.engine.window_seconds,
        counted=installed.monitoring.metrics_enabled,
        sequence=number_at(payload, params.sequence_path) if params.sequence_path else None,
    )


def inactive() -> Denied:
    """Return the contract's error for an integration that is not switched on."""
    return Denied(T("Integration must be active to receive webhooks"), error="Integration inactive")


def _keys(installed: Installed, identity: Identity, payload: Any) -> tuple[str, ...]:
    """Return what the delivery is recognised by: its sender's id, and the key in its payload where one is named."""
    engine = installed.engine
    keys: list[str] = []
    if engine.idempotency_enabled and identity.delivery_id is not None:
        keys.append(f"d:{identity.delivery_id}")
    path = engine.deduplication_key or installed.manifest.deduplication_key
    if engine.deduplication_enabled and path:
        value = lookup(payload, path)
        if value not in (None, ""):  # an empty name is none, or all that lack one would be the same event
            keys.append(f"k:{path}:{_digest(value)}")
    return tuple(keys)


def _digest(value: Any) -> str:
    """Return a short form of a payload's value: itself where it is short and printable, else a hash of its JSON."""
    if isinstance(value, str):
        text = value
    else:
        try:
            text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        except TypeError:  # nested deeper than JSON is written
            raise Malformed(T("The value of the deduplication key is nested too deeply.")) from None
    if len(text) <= 100 and text.isprintable():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _kept_headers(delivery: Delivery) -> str:
    headers = without_proofs(delivery.headers)
    try:
        return orjson.dumps(headers).decode()
    except TypeError:  # a value that is not UTF-8, which RFC 9110 §5.5 allows: read as Latin-1, byte for byte
        latin = {name: value.encode("utf-8", "surrogateescape").decode("latin-1") for name, value in headers.items()}
        return orjson.dumps(latin).decode()


def _intake(
    now: float, moments: tuple[float, float, float, float], proof: str, identity: Identity, recognisable: bool
) -> str:
    """Return the steps before the answer, as they are stored with the event."""
    began, received, verified, recognised = moments
    known = identity.delivery_id[:12] if identity.delivery_id else ""
    return orjson.dumps(
        [
            {"name": "receive", "at": now - (received - began), "ms": (received - began) * 1e3},
            {"name": "verify", "at": now, "ms": (verified - received) * 1e3, "by": proof},
            {
                "name": "deduplicate",
                "at": now + (verified - received),
                "ms": (recognised - verified) * 1e3,
                "delivery": known,
                "recognisable": recognisable,
            },
        ]
    ).decode()
