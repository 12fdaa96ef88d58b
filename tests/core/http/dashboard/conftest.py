"""Browsers: at a whole engine, and at a server with alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.context import Context
from core.http.server import Server
from tests.contexts import MovableClock
from tests.core.http.dashboard.browser import Browser
from tests.core.http.dashboard.site import Site
from tests.engines import Client
from tests.inbox import serving


@pytest.fixture
async def browser(client: Client) -> AsyncIterator[Browser]:
    """Somebody at the engine of `client`, signed in by nobody."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address that is no name
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(client.engine.report.address, session)


@pytest.fixture
async def site(ctx: Context, server: Server, clock: MovableClock) -> AsyncIterator[Site]:
    """Somebody at a server whose rules are looked at when the test says so; gone@example.org takes no mail."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session, serving() as inbox:
        inbox.refused.add("gone@example.org")
        yield Site(ctx, clock, Browser(server.address, session), inbox)
