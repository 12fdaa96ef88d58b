"""Where deliveries come in: `POST /webhooks/{id}`. The hottest path: nothing here that a delivery does not need."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from core import auth, integrations, webhook_log
from core.config import MAX_BODY
from core.context import Context
from core.errors import CcbError, Denied, Malformed, NotFound, TooLarge, Unauthenticated, Unavailable, Unsupported
from core.events import accept
from core.http.errors import status_of
from core.http.node import NODE, Node
from core.http.routes import json_response, route
from core.integrations import Installed
from core.sources import Delivery
from core.texts import T

MOST_RECEIVING = 256 << 20
"""Bytes of deliveries in memory beyond which new ones are turned away (503)."""
SMALL = 1 << 20
RECEIVE_SECONDS = 60
"""How long a body of more than `SMALL` bytes may take to arrive: a few that never end must not fill the bound above."""

_REASONS = {
    Unauthenticated: "signature",
    Denied: "inactive",
    TooLarge: "too_large",
    Malformed: "malformed",
    Unsupported: "malformed",
    NotFound: "unknown",
}
FORBIDDEN = "forbidden"
"""Why a delivery is refused whose API key lacks the permission: it counts as one that nothing proves."""


class TakenOut(BaseModel):
    """A delivery that is stored."""

    event_id: str
    status: Literal["queued"]


class RepeatedOut(BaseModel):
    """A delivery that is here already."""

    event_id: str = Field(description="The event of the first one.")
    status: Literal["duplicate"]


class ChallengeOut(BaseModel):
    """The answer by which Slack checks the address; nothing is stored."""

    challenge: Any


class ReachableOut(BaseModel):
    """Deliveries are taken."""

    status: Literal["active"]


@route(
    "POST",
    "/webhooks/{id}",
    open=True,
    raw=True,
    permission=None,
    status=202,
    response=TakenOut,
    also={200: RepeatedOut | ChallengeOut},
    errors=[Malformed, Unauthenticated, Denied, NotFound, TooLarge, Unsupported, Unavailable],
    summary=T("Deliver a webhook"),
    tag="webhooks",
)
async def deliver(ctx: Context, request: web.Request) -> web.Response:
    """Take one delivery; 202 once it is stored, 200 when it repeats one that is."""
    began = time.perf_counter()
    remote = request.remote or ""
    integration_id = request.match_info["id"]
    node, before = request.app[NODE], request.app[NODE].receiving
    body = _Body(request, node)
    installed: Installed | None = None
    try:
        installed = await _find(ctx, integration_id)
        if before > MOST_RECEIVING:
            raise _too_much()
        delivery = Delivery({name.lower(): value for name, value in request.headers.items()}, await body.read())
        proof = await _key(ctx, installed, delivery)
        receipt = await accept.accept(ctx, installed, delivery, remote=remote, began=began, proof=proof)
    except CcbError as error:
        _note(ctx, installed, remote, error)
        raise
    finally:
        node.receiving -= body.size
    if receipt.reply is not None:
        return json_response(receipt.reply)
    if receipt.duplicate:
        return json_response({"event_id": receipt.event_id, "status": "duplicate"})
    return json_response({"event_id": receipt.event_id, "status": "queued"}, status=202)


@route(
    "GET",
    "/webhooks/{id}",
    open=True,
    raw=True,
    permission=None,
    response=ReachableOut,
    errors=[Denied, NotFound],
    summary=T("Ask whether webhooks would be taken (stores nothing)"),
    tag="webhooks",
)
async def reachable(ctx: Context, request: web.Request) -> web.Response:
    """200 for an active integration, 403 for another, 404 for none."""
    installed = await _find(ctx, request.match_info["id"])
    if installed.status != "active":
        raise accept.inactive()
    return json_response({"status": "active"})


async def _find(ctx: Context, integration_id: str) -> Installed:
    """Return the integration by its id; its slug, which can be guessed, is no address."""
    installed = await integrations.find(ctx, integration_id)
    if installed.id != integration_id:
        raise integrations.unknown(integration_id)
    return installed


class _Body:
    """A request's raw bytes, counted in `Node.receiving` while they are here (what a sender only announces is not)."""

    __slots__ = ("_node", "_request", "size")

    def __init__(self, request: web.Request, node: Node) -> None:
        self._request = request
        self._node = node
        self.size = 0

    async def read(self) -> bytes:
        """Return them; raise `TooLarge` before more than the limit is here, `Malformed` when they come too slowly."""
        request = self._request
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Unsupported(T("Send the body as it is: a compressed one is not taken."))
        announced = request.content_length
        if announced is not None and announced > MAX_BODY:
            raise _too_large()
        if announced is not None and announced <= SMALL:
            return await self._chunks()
        try:
            async with asyncio.timeout(RECEIVE_SECONDS):
                return await self._chunks()
        except TimeoutError:
            raise Malformed(
                T("The body had not arrived after {seconds} s. Send it again.", seconds=RECEIVE_SECONDS)
            ) from None

    async def _chunks(self) -> bytes:
        chunks: list[bytes] = []
        async for chunk in self._request.content.iter_any():
            self.size += len(chunk)
            self._node.receiving += len(chunk)
            if self.size > MAX_BODY:
                raise _too_large()
            if self._node.receiving > MOST_RECEIVING:
                raise _too_much()
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_much() -> Unavailable:
    return Unavailable(T("Too much is being delivered at this moment. Send it again later."), retry_after=2)


def _too_large() -> TooLarge:
    return TooLarge(T("A webhook's body may have at most {limit} MB.", limit=MAX_BODY >> 20), limit=MAX_BODY)


async def _key(ctx: Context, installed: Installed, delivery: Delivery) -> str | None:
    """Authenticate a sender that shows an API key in place of a signature; return what proved it."""
    if not installed.source.key_authenticated:
        return None
    installed.source.verify(installed.source_params, delivery, secrets=[], now=0)
    actor = await auth.authenticate(ctx, delivery.headers.get("authorization"))
    actor.require("webhooks.receive")
    return f"Authorization: {actor.name}"


def _note(ctx: Context, installed: Installed | None, remote: str, error: CcbError) -> None:
    """Leave a line in the webhook log about a delivery that was refused; `installed` is None for an unknown address."""
    reason = _REASONS.get(type(error))
    if reason is None:  # our own trouble, not the delivery's
        return
    if "required" in error.details:  # it is active, but the key that came may not deliver
        reason = FORBIDDEN
    webhook_log.note(
        ctx,
        integration_id=installed.id if installed is not None else "",
        status=status_of(error),
        reason=str(error.details.get("reason", reason)),
        remote=remote,
        detail=error.message.dump(),
        counted=installed is None or installed.monitoring.metrics_enabled,
    )
