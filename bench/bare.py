"""The measure of ingest: aiohttp and uvloop, the same signature checked over the raw bytes, 202, nothing stored."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json

import uvloop
from aiohttp import web

from bench import delivery


async def deliver(request: web.Request) -> web.Response:
    """Check the signature; 202."""
    body = await request.read()
    wanted = b"sha256=" + hmac.new(delivery.SECRET.encode(), body, hashlib.sha256).hexdigest().encode()
    if not hmac.compare_digest(wanted, request.headers.get(delivery.SIGNATURE, "").encode()):
        return web.Response(status=401)
    return web.Response(status=202)


async def main() -> None:
    """Serve until killed; the address goes to stdout."""
    app = web.Application()
    app.router.add_post("/webhooks/{id}", deliver)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"address": f"http://127.0.0.1:{site.port}"}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
