"""A server whose routes are those of `routes.py`, and the form that every error of it has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from core.context import Context
from core.http.server import Server
from tests.core.http.conftest import serving_only
from tests.core.http.middleware.routes import mine


@pytest.fixture
async def server(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The server with those routes and no others."""
    async with serving_only(mine, ctx, monkeypatch) as running:
        yield running


async def error_of(response: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    """Return the error after checking the form that every one has."""
    assert response.status == status, await response.text()
    assert response.content_type == "application/json"
    found: dict[str, Any] = await response.json()
    assert list(found)[:2] == ["error", "message"]
    assert found["request_id"] == response.headers["X-Request-Id"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Server"] == "ccb"
    assert "Traceback" not in str(found)
    return found
