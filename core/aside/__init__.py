"""Work done aside: in processes of their own, which are started when first needed and leave when nothing is asked.

For libraries that would stop the whole engine: one that keeps Python's lock while it computes, one that opens
connections of its own. A process can be ended at its time limit, which a thread cannot; it has no environment, and
what it must not see is not handed to it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

HEADER = struct.Struct("!BI")
"""Before each message: whether it is an answer (0) or a failure (1), and how many bytes follow."""
LARGEST = 32 * 1024 * 1024
MOST_WAITING = 20
"""Who asks while as many wait is refused: a picture that comes too late is of no use."""
_ROOT = str(Path(__file__).parents[2])
_PASSED_ON = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH")

Why = Literal["busy", "late", "broken"]


class AsideError(Exception):
    """No answer: `busy` (too many wait), `late` (past its time), `broken` (the process failed)."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why: Why = why


class Aside:
    """The processes of one engine, by their modules. Each answers one message at a time."""

    def __init__(self) -> None:
        self._idle: dict[str, list[Process]] = defaultdict(list)
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._waiting: dict[str, int] = defaultdict(int)
        self._closed = False
        self._ending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(self, module: str, message: bytes, *, timeout: float, at_once: int = 1) -> bytes:
        """Return what `module` (run with `core.aside.serving.serve`) answers to `message`; raise `AsideError`.

        `timeout`: seconds from when it is its turn; then its process is killed. `at_once`: how many such processes
        there may be.
        """
        if self._waiting[module] >= MOST_WAITING:
            raise AsideError("busy")
        gate = self._gates.setdefault(module, asyncio.Semaphore(at_once))
        self._waiting[module] += 1
        try:
            async with gate:
                return await self._turn(module, message, timeout)
        finally:
            self._waiting[module] -= 1

    async def close(self) -> None:
        """End every process that waits; one at work is ended by whoever waits for it, answered or not."""
        self._closed = True
        await asyncio.sleep(0)  # whoever was cancelled just before begins to end theirs
        for processes in self._idle.values():
            while processes:
                await self._end(processes.pop())
        while self._ending:
            await asyncio.wait(self._ending)

    async def _end(self, process: Process) -> None:
        """End a process, also where whoever waits is cancelled once more meanwhile."""
        ending = asyncio.create_task(_end(process))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        await asyncio.shield(ending)

    async def _turn(self, module: str, message: bytes, timeout: float) -> bytes:
        try:
            async with asyncio.timeout(timeout):
                for process in self._kept(module):
                    with suppress(EOFError, ConnectionError):  # it left in this very moment
                        return await self._exchange(module, process, message)
                return await self._exchange(module, await _start(module), message)
        except TimeoutError:
            raise AsideError("late", f"{timeout:g} s") from None
        except (EOFError, ConnectionError, OSError):
            raise AsideError("broken", "it ended") from None

    def _kept(self, module: str) -> list[Process]:
        idle = self._idle[module]
        return [idle.pop()] if idle else []

    async def _exchange(self, module: str, process: Process, message: bytes) -> bytes:
        assert process.stdin and process.stdout
        done = False
        try:
            if process.stdin.transport.is_closing():  # uvloop raises no ConnectionError for one that left
                raise ConnectionResetError
            process.stdin.write(HEADER.pack(0, len(message)) + message)
            await process.stdin.drain()
            failed, size = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
            answer = await process.stdout.readexactly(min(size, LARGEST))
            done = True
        finally:
            if done and not self._closed:
                self._idle[module].append(process)
            else:  # what it would still say belongs to nobody
                await self._end(process)
        if failed:
            raise AsideError("broken", answer.decode("utf-8", "replace")[:300])
        return answer


async def _start(module: str) -> Process:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", module,
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/", start_new_session=True, limit=1024 * 1024,
        env={**environment, "PYTHONPATH": _ROOT, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    )  # fmt: skip


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            # Popen.kill asks first whether it has ended, which takes that answer away from asyncio.
            os.kill(process.pid, signal.SIGKILL)
    await process.communicate()
