"""An engine whose clock the test moves, and the receiver that its integrations may send to."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.stand_ins.receiver import Receiver, receiving


@pytest.fixture
def moved() -> MovableClock:
    """The clock of `client`, which begins now: what this machine signs or stamps is not from another time."""
    return MovableClock(float(int(time.time())))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody who takes what is sent to them."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def client(tmp_path: Path, receiver: Receiver, moved: MovableClock) -> AsyncIterator[Client]:
    """An engine on SQLite that may send to `receiver`; a module that wants another has a `client` of its own."""
    async with running(tmp_path, clock=moved, CCB_OUTBOUND_ALLOW=receiver.host) as client:
        yield client
