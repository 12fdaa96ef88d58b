"""Socket Mode: connections, envelopes and what acknowledges them (https://docs.slack.dev/apis/events-api/using-socket-mode)."""

from __future__ import annotations

import asyncio
import copy
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from core.demo.stand_ins.slack.changes import Changes
from core.demo.stand_ins.slack.workspace import APP

MOST_CONNECTIONS = 10
ACK_SECONDS = 3.0
PING_SECONDS = 10.0
GRACE_SECONDS = 10.0
REASONS = ("refresh_requested", "warning", "link_disabled", "too_many_websockets")
RETRIES = 3


@dataclass(eq=False)
class Connection:
    """One open websocket of the app's."""

    number: int
    socket: web.WebSocketResponse
    transport: asyncio.Transport
    leaving: bool = False
    """It was told to go: nothing new is sent on it."""
    waiting: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    def cut(self) -> None:
        """Break it, as a network does: no closing frame, nothing."""
        self.transport.abort()


@dataclass(frozen=True)
class Delivery:
    """What became of an envelope."""

    acked: bool
    seconds: float
    """From sending to the acknowledgement."""
    payload: dict[str, Any]
    """What came with it."""
    connection: int
    attempts: int = 1
    reached: bool = True
    """Whether there was a connection at all."""


class Sockets:
    """The connections that are open, and the envelopes that are under way on them."""

    def __init__(self, changes: Changes) -> None:
        self.connections: list[Connection] = []
        self.ack_seconds = ACK_SECONDS
        self.retry_seconds: tuple[float, ...] = (0, 60, 300)
        """How long Slack waits before it sends an event again, attempt by attempt."""
        self.grace_seconds = GRACE_SECONDS
        self.faults: list[str] = []
        """What the app did that it should not: acknowledged something unknown, sent nonsense."""
        self.envelopes: list[dict[str, Any]] = []
        """Everything sent."""
        self._changes = changes
        self._tickets: set[str] = set()
        self._turn = 0
        self._numbers = 0
        self._retrying: set[asyncio.Task[None]] = set()

    def ticket(self) -> str:
        """Return a ticket that lets one connection in, once."""
        made = secrets.token_urlsafe(16)
        self._tickets.add(made)
        return made

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="invalid ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        self._numbers += 1
        connection = Connection(self._numbers, socket, request.transport)
        if len(self.connections) >= MOST_CONNECTIONS:
            await self.dismiss("too_many_websockets", connection)
            await socket.close()
            return socket
        await self._serve(connection)
        return socket

    async def _serve(self, connection: Connection) -> None:
        self.connections.append(connection)
        try:
            await connection.socket.send_json(self._hello())
            self._changes.note("connected", number=connection.number, open=len(self.connections))
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledged(connection, message.data)
        except ConnectionError:
            pass  # It went while the hello was written.
        finally:
            self.connections.remove(connection)
            for waiting in connection.waiting.values():
                if not waiting.done():
                    waiting.cancel()
            self._changes.note("disconnected", number=connection.number, open=len(self.connections))

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": "applink-stand-in", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP},
        }

    def _acknowledged(self, connection: Connection, raw: str) -> None:
        try:
            said = json.loads(raw)
            envelope_id, payload = said["envelope_id"], said.get("payload") or {}
        except (ValueError, KeyError, TypeError):
            self.faults.append(f"sent no acknowledgement: {raw[:200]}")
            return
        waiting = connection.waiting.get(envelope_id)
        if waiting is None or waiting.done():
            self.faults.append(f"acknowledged {envelope_id}, for which nobody waits on this connection")
        elif not isinstance(payload, dict):
            self.faults.append(f"acknowledged {envelope_id} with a payload that is no object")
            waiting.set_result({})
        else:
            waiting.set_result(payload)

    async def dismiss(self, reason: str, *only: Connection) -> None:
        """Send `disconnect` on all connections, or on some: the app is to open others before these end."""
        assert reason in REASONS
        for connection in only or tuple(self.connections):
            connection.leaving = True
            debug_info = {"host": "applink-stand-in"}
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": debug_info})
            asyncio.get_running_loop().call_later(self.grace_seconds, connection.cut)

    def cut(self, *only: Connection) -> None:
        """Break all connections hard, or some."""
        for connection in only or tuple(self.connections):
            connection.cut()

    def _next(self, not_on: Iterable[int]) -> Connection | None:
        """Return the connection whose turn it is, rather one that has not had this envelope."""
        open_ = [one for one in self.connections if not one.leaving]
        fresh = [one for one in open_ if one.number not in set(not_on)] or open_
        self._turn += 1
        return fresh[self._turn % len(fresh)] if fresh else None

    async def deliver(
        self, kind: str, payload: dict[str, Any], *, answerable: bool, not_on: tuple[int, ...] = (), attempt: int = 0
    ) -> Delivery:
        """Send an envelope to one connection, and wait for its acknowledgement as long as Slack does."""
        connection = self._next(not_on)
        if connection is None:
            return Delivery(acked=False, seconds=0, payload={}, connection=0, reached=False)
        envelope = {
            "envelope_id": f"{secrets.token_hex(4)}-{secrets.token_hex(8)}",
            "type": kind,
            "accepts_response_payload": answerable,
            "payload": payload,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        self.envelopes.append(copy.deepcopy(envelope))
        self._changes.note("envelope", type=kind, connection=connection.number)
        return await self._sent(connection, envelope, answerable=answerable)

    async def _sent(self, connection: Connection, envelope: dict[str, Any], *, answerable: bool) -> Delivery:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[dict[str, Any]] = loop.create_future()
        connection.waiting[envelope["envelope_id"]] = waiting
        began = loop.time()
        answer: dict[str, Any] | None = None
        try:
            await connection.socket.send_json(envelope)
            done, _ = await asyncio.wait({waiting}, timeout=self.ack_seconds)
            answer = waiting.result() if done and not waiting.cancelled() else None
        except ConnectionError:
            pass  # Not acknowledged, then.
        finally:
            connection.waiting.pop(envelope["envelope_id"], None)
        if answer and not answerable:
            self.faults.append(f"answered {envelope['type']}, which takes no answer: {json.dumps(answer)[:200]}")
        return Delivery(answer is not None, loop.time() - began, answer or {}, connection.number)

    async def deliver_event(self, payload: dict[str, Any]) -> Delivery:
        """Send an event, and again on another connection when nobody acknowledges it; later attempts go on alone."""
        delivery = await self.deliver("events_api", payload, answerable=False)
        tried: tuple[int, ...] = (delivery.connection,)
        for attempt in range(1, RETRIES + 1):
            pause = self.retry_seconds[attempt - 1]
            if delivery.acked:
                break
            if pause:
                self._later(payload, attempt, tried)
                break
            await self._somebody()
            again = await self.deliver("events_api", payload, answerable=False, not_on=tried, attempt=attempt)
            delivery = Delivery(again.acked, again.seconds, {}, again.connection, attempt + 1, again.reached)
            tried += (again.connection,)
        return delivery

    def _later(self, payload: dict[str, Any], attempt: int, tried: tuple[int, ...]) -> None:
        async def retry() -> None:
            not_on = tried
            for number in range(attempt, RETRIES + 1):
                await asyncio.sleep(self.retry_seconds[number - 1])
                again = await self.deliver("events_api", payload, answerable=False, not_on=not_on, attempt=number)
                not_on += (again.connection,)
                if again.acked:
                    return

        task = asyncio.create_task(retry())
        self._retrying.add(task)
        task.add_done_callback(self._retrying.discard)

    async def _somebody(self) -> None:
        try:
            await self._changes.until(lambda: any(not one.leaving for one in self.connections), self.ack_seconds)
        except TimeoutError:
            return

    def stop(self) -> None:
        """Break everything, and retry nothing more."""
        for task in self._retrying:
            task.cancel()
        self.cut()
