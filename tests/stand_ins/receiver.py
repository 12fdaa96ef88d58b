"""A receiver that records what reaches it, and answers when it is told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    key: str
    authorization: str | None
    body: bytes


@dataclass
class Receiver:
    """What it received, in order. `before_answer` may hold an answer back or choose its status."""

    host: str = ""
    received: list[Received] = field(default_factory=list)
    before_answer: Callable[[Received], Awaitable[int]] | None = None
    answer: str = '{"ok": true}'
    headers: dict[str, str] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def counts(self) -> Counter[str]:
        """How often each idempotency key came."""
        return Counter(r.key for r in self.received)

    async def wait_for(self, count: int) -> None:
        """Wait until `count` requests have come in."""
        async with asyncio.timeout(30):
            while len(self.received) < count:
                self.news.clear()
                await self.news.wait()

    async def _take(self, request: web.Request) -> web.Response:
        got = Received(
            request.path,
            request.headers.get("Idempotency-Key", ""),
            request.headers.get("Authorization"),
            await request.read(),
        )
        self.received.append(got)
        self.news.set()
        status = await self.before_answer(got) if self.before_answer else 200
        return web.Response(text=self.answer, content_type="application/json", status=status, headers=self.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver._take)
    async with TestServer(app, host="127.0.0.1") as server:
        receiver.host = f"127.0.0.1:{server.port}"
        yield receiver
