"""An engine inside the test's own process: everything real, its clock movable, spoken to over its sockets."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from core import bootstrap
from core.bootstrap import Engine
from core.clock import Clock
from tests import documented, templates
from tests.contexts import settings


@dataclass(frozen=True)
class Answer:
    """A status, the headers, and the JSON that came with them."""

    status: int
    headers: Any
    json: Any


@dataclass(frozen=True)
class Client:
    """Asks a running engine: as the local admin over its socket, or as anybody over TCP."""

    engine: Engine
    local: aiohttp.ClientSession
    public: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Ask as the local admin; fail unless it answers `status`."""
        async with self.local.request(method, f"http://ccb{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status == status, f"{method} {path}: {answer.status} {text}"
            return json.loads(text)

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Post raw bytes over TCP, as a sender does."""
        url = f"{self.engine.report.address}{path}"
        async with self.public.post(url, data=io.BytesIO(body), headers=headers) as answer:
            return Answer(answer.status, answer.headers, await answer.json())

    async def install(self, package: Any, **more: Any) -> dict[str, Any]:
        """Install and activate a package."""
        made: dict[str, Any] = await self.ask(
            "POST", "/v1/integrations", {"package": package, "activate": True, **more}, status=201
        )
        return made

    async def sign(self, integration: str, payload: Any, delivery_id: str = "msg_1", **more: Any) -> Any:
        """Return path, body and headers of a genuine delivery."""
        wish = {"payload": payload, "delivery_id": delivery_id, **more}
        made = await self.ask("POST", f"/v1/integrations/{integration}/sign", wish)
        path = made["local_url"].removeprefix(self.engine.report.address)
        return path, base64.b64decode(made["body"]), made["headers"]

    async def deliver(self, integration: str, payload: Any, delivery_id: str = "msg_1", **more: Any) -> Answer:
        """Sign and post a delivery."""
        return await self.post(*await self.sign(integration, payload, delivery_id, **more))

    async def until(self, event_id: str, holds: Callable[[Any], bool]) -> Any:
        """Wait until the event is so; fail with what it is instead after ten seconds."""
        event: Any = None
        try:
            async with asyncio.timeout(10):
                while not holds(event := await self.ask("GET", f"/v1/events/{event_id}")):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"never came true: {event}") from None
        return event

    async def ended(self, event_id: str, status: str = "succeeded") -> Any:
        """Wait until the event has this status."""
        return await self.until(event_id, lambda event: event["status"] == status)

    async def steps(self, event_id: str) -> list[Any]:
        """Return the event's steps."""
        found: list[Any] = await self.ask("GET", f"/v1/events/{event_id}/steps")
        return found


@asynccontextmanager
async def running(folder: Path, *, clock: Clock | None = None, **values: Any) -> AsyncIterator[Client]:
    """Run an engine on SQLite in `folder` (or what the settings say) for as long as the context."""
    given = settings(CCB_DATA_DIR=folder, CCB_PORT=0, **values)
    if given.database_url is None:
        templates.sqlite_in(folder)
    async with bootstrap.start(given, clock=clock) as engine:
        connector = aiohttp.UnixConnector(str(folder / "ccb.sock"))
        async with (
            aiohttp.ClientSession(connector=connector, raise_for_status=documented.check) as local,
            aiohttp.ClientSession(raise_for_status=documented.check) as public,
        ):
            yield Client(engine, local, public)
