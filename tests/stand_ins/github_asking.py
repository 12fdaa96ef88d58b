"""What the tests of the stand-in for GitHub share: one question, and somewhere that hooks deliver to."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from aiohttp import web

from core.demo.stand_ins.github.hub import TOKEN, GitHubStandIn

REPO = "/repos/acme/app"


async def ask(
    hub: GitHubStandIn, method: str, path: str, body: Any = None, *, token: str | None = TOKEN
) -> tuple[int, Any, Any]:
    """Ask the stand-in; return status, JSON (None without a body) and headers."""
    headers = {"Authorization": f"token {token}"} if token else {}
    url = path if path.startswith("http") else hub.url + path
    async with aiohttp.ClientSession() as http, http.request(method, url, json=body, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None, answer.headers


class Target:
    """Where a hook delivers to: keeps the requests, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 202
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Take one delivery."""
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, text="{}")

    @property
    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Event and payload of each delivery."""
        return [(headers["X-GitHub-Event"], json.loads(body)) for headers, body in self.got]

    @property
    def names(self) -> list[str]:
        """Each event with its action and sender."""
        return [
            ".".join(part for part in (event, payload.get("action")) if part) + " " + payload["sender"]["login"]
            for event, payload in self.told
        ]
