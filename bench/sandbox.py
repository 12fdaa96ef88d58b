"""The measure of the pipeline: the sandbox alone, on the same handler and payload: `python -m bench.sandbox '{…}'`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import uvloop

from core.handler_event import event_for_handler
from core.runtime import HandlerPool


@dataclass(frozen=True)
class Wish:
    """What to run: `concurrency` at a time on `processes`, for `seconds`."""

    handler: str
    payload: Any
    size: int
    processes: int
    concurrency: int
    seconds: float


async def run(wish: Wish) -> float:
    """Return runs a second."""
    event = event_for_handler(id="evt_0", type="push", source="github", received_at=0, headers={}, payload=wish.payload)
    async with HandlerPool(processes=wish.processes) as pool:
        done, until = 0, float("inf")

        async def one_after_the_other() -> None:
            nonlocal done
            while time.perf_counter() < until:
                await pool.run(wish.handler, event=event, config={}, owner="bench", payload_size=wish.size)
                done += 1

        running = [asyncio.create_task(one_after_the_other()) for _ in range(wish.concurrency)]
        await asyncio.sleep(1)  # warm up: what runs before the clock starts is not counted
        done, began, until = 0, time.perf_counter(), time.perf_counter() + wish.seconds
        await asyncio.gather(*running)
        return done / (time.perf_counter() - began)


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(Wish(**json.loads(sys.argv[1]))))))
