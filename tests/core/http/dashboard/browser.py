"""A browser without a screen: keeps cookies, says where its forms come from, follows nothing by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.engines import Client


@dataclass(frozen=True)
class Seen:
    """What a browser got."""

    status: int
    headers: Any
    text: str


@dataclass(frozen=True)
class Browser:
    """One browser at one engine."""

    address: str
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> Seen:
        """Open a page."""
        return await self._ask("GET", path, headers=headers)

    async def send(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> Seen:
        """Send a form, as a page of the engine's own does unless `headers` say otherwise."""
        given = {"Origin": self.address, "Sec-Fetch-Site": "same-origin", **headers}
        return await self._ask("POST", path, data=fields or {}, headers={k: v for k, v in given.items() if v})

    async def _ask(self, method: str, path: str, **more: Any) -> Seen:
        async with self.session.request(method, self.address + path, allow_redirects=False, **more) as answer:
            return Seen(answer.status, answer.headers, await answer.text())


async def key_with(client: Client, *permissions: str) -> dict[str, Any]:
    """Make an API key."""
    made: dict[str, Any] = await client.ask(
        "POST", "/v1/auth/tokens", {"name": "ops <b>", "permissions": list(permissions)}, status=201
    )
    return made


def harmless(seen: Seen) -> Seen:
    """Fail where something that somebody wrote is part of the page itself."""
    assert "<script>alert" not in seen.text and "<img src=x" not in seen.text
    assert seen.text.count("<h1") == 1
    return seen
