"""A pool of real sandbox processes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from core.runtime import HandlerPool


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[HandlerPool]:
    """Two processes, and no patience: a test that finds them busy fails at once."""
    async with HandlerPool(processes=1, max_processes=2, wait_seconds=5) as started:
        yield started
