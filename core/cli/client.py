"""The engine as the command line sees it: REST over its own socket, or over the network with a key."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson

from core import VERSION
from core.cli.failure import REFUSED, UNREACHABLE, USAGE, CliError
from core.cli.language import language
from core.texts import T, Text

SOCKET = "ccb.sock"
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)
"""An installation runs its samples in the sandbox before it answers."""


def path(*parts: str) -> str:
    """Return the path of a resource, such as `path("integrations", slug)`; what was typed stays one part of it."""
    return "/".join(["/v1", *(quote(part, safe="") for part in parts)])


class Engine:
    """A connection to one engine."""

    def __init__(self, *, url: str | None, key: str | None, socket: Path) -> None:
        """`url`: a remote engine's address; without it `socket` is used."""
        self._socket = None if url else socket
        self._base = url.rstrip("/") if url else "http://localhost"
        self._key = key
        headers = {"Accept-Language": language(), "User-Agent": f"ccb/{VERSION}"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket)) if self._socket else None, headers=headers, timeout=TIMEOUT
        )

    @property
    def url(self) -> str | None:
        """The remote engine's address; None for the one on this machine."""
        return None if self._socket else self._base

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, **query: Any) -> Any:
        """Return what is at `path`; raises `CliError` with the engine's own words."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return await self._ask("GET", path, params=given)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Post `body` as JSON; raises `CliError`."""
        return await self._ask("POST", path, json=body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Patch with `body` as JSON; raises `CliError`."""
        return await self._ask("PATCH", path, json=body)

    async def delete(self, path: str) -> Any:
        """Delete what is at `path`; raises `CliError`."""
        return await self._ask("DELETE", path)

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        if "json" in more:
            body = more.pop("json")
            more |= {"data": orjson.dumps(body), "headers": {"Content-Type": "application/json"}} if body else {}
        async with self._reached(), self._session.request(method, self._base + path, **more) as response:
            if response.status == HTTPStatus.UNAUTHORIZED and not self._key:
                raise CliError(
                    T("The engine at {url} wants an API key: give --key, or set CCB_API_KEY.", url=self._base),
                    code=USAGE,
                    error="Invalid API Key",
                )
            return _content(response.status, await response.read())

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator[None]:
        try:
            yield
        except aiohttp.InvalidURL:
            raise CliError(
                T("{url} is no address of an engine. It looks like https://ccb.example.com.", url=self._base),
                code=USAGE,
                error="Wrong usage",
            ) from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise CliError(self._away(error), code=UNREACHABLE, error="Engine not reachable") from None

    def _away(self, error: BaseException) -> Text:
        if self._socket is None:
            return T("No engine answers at {url}: {reason}.", url=self._base, reason=_plain(error))
        if isinstance(error, (aiohttp.ServerDisconnectedError, TimeoutError)):
            return T("The engine stopped answering. Is `ccb serve` still running?")
        if isinstance(getattr(error, "os_error", error), PermissionError):
            return T(
                "The engine here runs as another user: {socket} may not be opened. "
                "Be that user, or use --url and --key.",
                socket=str(self._socket),
            )
        return T(
            "The engine is not running here ({socket}). Start it with `make run` or `ccb serve`, "
            "or name another one with --url and --key.",
            socket=str(self._socket),
        )


async def deliver(url: str, *, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
    """Post a delivery as a service would; return the status and the answer. Raises `CliError` when nobody answers."""
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.post(url, data=body, headers=headers) as response,
        ):
            return response.status, _content(response.status, await response.read())
    except aiohttp.InvalidURL:
        raise CliError(T("{url} is no address.", url=url), code=USAGE, error="Wrong usage") from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise CliError(
            T("Nothing answers at {url}: {reason}.", url=url, reason=_plain(error)),
            code=UNREACHABLE,
            error="Engine not reachable",
        ) from None


def _plain(error: BaseException) -> str:
    """Return what the system says of a failed connection."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    return str(getattr(cause, "strerror", None) or cause) or type(cause).__name__


def _content(status: int, body: bytes) -> Any:
    try:
        content = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        content = None
    if status < 300 and (content is not None or not body):
        return content
    if not isinstance(content, dict) or "error" not in content or "message" not in content:
        raise CliError(
            T("What answered is not this engine (HTTP {status}, not its JSON). Check the address.", status=status),
            code=UNREACHABLE,
            error="Engine not reachable",
            status=status,
        )
    details = {name: value for name, value in content.items() if name not in ("error", "message")}
    raise CliError(str(content["message"]), code=REFUSED, error=str(content["error"]), **details)
