"""No engine outlives its test, whatever became of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e import engine


@pytest.fixture(autouse=True)
async def _no_engine_left_behind() -> AsyncIterator[None]:
    yield
    while engine.STARTED:
        left = engine.STARTED.pop()
        if left.process.returncode is None:
            await left.kill()
