"""The engine as a stranger starts it: a process of its own, spoken to over real sockets."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

CCB = Path(sys.executable).parent / "ccb"
START_SECONDS = 60


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Return an environment with nothing of this machine's settings in it."""
    names = ("PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "PYTHONPATH")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {
        **kept,
        "CCB_DATA_DIR": str(folder),
        "CCB_PORT": "0",
        "CCB_LANGUAGE": "en",
        "CCB_BACKUPS": "off",
        **settings,
    }


class Log:
    """What a process writes to its standard error."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.text = ""
        self._news = asyncio.Event()
        self.reading = asyncio.create_task(self._read(stream))

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while part := await stream.read(1 << 16):
            self.text += part.decode("utf-8", "replace")
            self._news.set()

    async def until(self, holds: Callable[[str], bool], *, seconds: float = 30) -> None:
        """Wait until the text is so; fail with its end after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not holds(self.text):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"it never said so; last: {self.text[-2000:]}") from None


@dataclass
class EngineProcess:
    """One running `ccb serve`, asked as the local admin through its socket."""

    process: asyncio.subprocess.Process
    report: dict[str, Any]
    folder: Path
    log: Log

    @property
    def address(self) -> str:
        """Its HTTP address."""
        return str(self.report["address"])

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Ask over the local socket; fail unless it answers `status`."""
        connector = aiohttp.UnixConnector(str(self.folder / "ccb.sock"))
        session = aiohttp.ClientSession(connector=connector)
        async with session, session.request(method, f"http://ccb{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status == status, f"{method} {path}: {answer.status} {text}"
            return json.loads(text)

    async def signed(self, integration: str, payload: Any, delivery_id: str) -> tuple[str, dict[str, str], bytes]:
        """Return address, headers and body of a genuine delivery."""
        wish = {"payload": payload, "delivery_id": delivery_id}
        made = await self.ask("POST", f"/v1/integrations/{integration}/sign", wish)
        return made["local_url"], made["headers"], base64.b64decode(made["body"])

    async def until(self, path: str, holds: Any, *, seconds: float = 30) -> Any:
        """Ask again and again until `holds(answer)`; fail with the last answer after `seconds`."""
        answer: Any = None
        try:
            async with asyncio.timeout(seconds):
                while not holds(answer := await self.ask("GET", path)):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{path} never came true; last: {json.dumps(answer)[:2000]}") from None
        return answer

    async def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        self.log.reading.cancel()

    async def stop(self) -> int:
        """SIGTERM; return the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        code = await self.process.wait()
        await asyncio.wait([self.log.reading], timeout=5)  # a process that it left behind keeps the pipe open
        self.log.reading.cancel()
        return code


STARTED: list[EngineProcess] = []
"""Every engine that a test has started, so that none outlives it."""


async def start(folder: Path, *, settings: Mapping[str, str], cwd: Path | None = None) -> EngineProcess:
    """Start `ccb serve` and wait for its report."""
    process = await asyncio.create_subprocess_exec(
        str(CCB), "serve", "--json",
        env=environment(folder, **settings), cwd=str(cwd or folder.parent),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    log = Log(process.stderr)
    async with asyncio.timeout(START_SECONDS):
        line = await process.stdout.readline()
    if not line:
        await log.reading
        raise AssertionError(f"the engine did not start: {log.text}")
    engine = EngineProcess(process, json.loads(line), folder, log)
    STARTED.append(engine)
    return engine


@asynccontextmanager
async def running(folder: Path, **settings: str) -> AsyncIterator[EngineProcess]:
    """Run an engine for as long as the context."""
    engine = await start(folder, settings=settings)
    try:
        yield engine
    finally:
        await engine.stop()
