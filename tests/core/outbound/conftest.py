"""A server of this machine, and requests that may reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from core.outbound import Outbound
from tests.core.outbound.places import LOOPBACK, application


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    running = TestServer(application())
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
async def http() -> AsyncIterator[Outbound]:
    async with Outbound(LOOPBACK) as outbound:
        yield outbound
