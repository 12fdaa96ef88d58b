"""Where the pipeline's effects go: answers 200 to every request, as cheaply as can be."""

from __future__ import annotations

import asyncio
import json
from typing import cast

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Receiver(asyncio.Protocol):
    """One kept connection."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of a class of their own

    def data_received(self, data: bytes) -> None:
        """Answer once a request is complete; there is one at a time."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0] or b"0")
        if found and len(body) >= length:
            self._received = b""
            self._transport.write(_ANSWER)


async def main() -> None:
    """Serve until killed; the port goes to stdout."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
