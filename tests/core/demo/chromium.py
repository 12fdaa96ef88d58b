"""A Chromium without a window, spoken to over its own protocol: no further library is needed."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

FOUND = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
_WAITING = """
new Promise((resolve, reject) => {
  const began = Date.now();
  const look = () => {
    const found = (() => (%s))();
    if (found) resolve(found);
    else if (Date.now() - began > 20000) reject(new Error("not within 20 s: " + document.body.innerText));
    else setTimeout(look, 30);
  };
  look();
})
"""


class Tab:
    """One page: what is evaluated in it, and what it complained of."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session: str | None = None

    async def ask(self, method: str, **params: Any) -> Any:
        """Send a command and return its result; events that come meanwhile are looked at."""
        number = next(self._numbers)
        more = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": params, **more})
        while True:
            said = json.loads((await self._socket.receive(timeout=30)).data)
            if said.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(json.dumps(said["params"]))
            if said.get("id") == number:
                assert "error" not in said, said
                return said["result"]

    async def open(self, address: str) -> None:
        """Go to an address."""
        target = await self.ask("Target.createTarget", url="about:blank")
        attached = await self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self.ask("Runtime.enable")
        await self.ask("Log.enable")
        await self.ask("Page.navigate", url=address)

    async def run(self, script: str) -> Any:
        """Evaluate an expression; a promise is waited for."""
        result = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression gives something true, and return it."""
        return await self.run(_WAITING % script)

    async def press(self, selector: str, text: str = "") -> None:
        """Press the first element there that says this."""
        says = f"one.innerText.includes({json.dumps(text)})"
        found = f"[...document.querySelectorAll({json.dumps(selector)})].find((one) => {says})"
        await self.until(f"Boolean({found})")
        await self.run(f"{found}.click()")

    async def write(self, selector: str, text: str, *, enter: bool = False) -> None:
        """Type into a field as a keyboard does."""
        await self.until(f"Boolean(document.querySelector({json.dumps(selector)}))")
        await self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.ask("Input.insertText", text=text)
        if enter:
            await self.key("Enter")

    async def key(self, name: str) -> None:
        """Press a key."""
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40}
        key = {"key": name, "code": name, "windowsVirtualKeyCode": codes[name]}
        more = {"text": "\r"} if name == "Enter" else {}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", **key, **more)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **key)


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Tab]:
    """Start a browser with its profile in `folder`."""
    environment = {**os.environ, "HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        FOUND, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            line = b""
            while b"DevTools listening on " not in line:
                line = await process.stderr.readline()
                assert line, "Chromium does not start"
        address = line.decode().partition("DevTools listening on ")[2].strip()
        reading = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
            yield Tab(socket)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    finally:
        process.terminate()
        await process.wait()
