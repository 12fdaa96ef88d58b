"""aiohttp's connection, with our form of error for what is not even HTTP."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.web_request import BaseRequest

from core.http import errors
from core.ids import new_id


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the parser refused; scanners send such things all day, so it is no line in the log.

        A fault of our own that got past the border around the handlers is one.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun already")
        if status >= 500 and isinstance(exc, Exception):
            response = errors.answer(exc, request_id=new_id("req"), language="en", path=request.path)
        else:
            response = errors.unreadable(status, request_id=new_id("req"))
        response.force_close()
        return response


class _Connections(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """aiohttp's runner over our connections. aiohttp has no public place for this: the three names are its own."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Connections(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **made._kwargs,
        )
