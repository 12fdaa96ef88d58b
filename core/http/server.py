"""The server: every route on one port, and on a socket of the engine's own for the user it runs as."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import cast

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from core.config import MAX_BODY
from core.context import Context
from core.errors import Conflict
from core.http import errors, routes
from core.http.middleware import language_of, request_id, wrap
from core.http.node import NODE, Node
from core.texts import T

log = structlog.get_logger()

GRACE_SECONDS = 5.0
"""How long requests in hand may take to finish at a stop."""
SOCKET = "ccb.sock"
KEEPALIVE_SECONDS = 75.0


def build(ctx: Context, *, found: routes.Routes | None = None) -> web.Application:
    """Return the application with all routes (or those `found`), behind permissions, parsing and error answers."""
    app = web.Application(client_max_size=MAX_BODY)
    app[NODE] = Node()
    methods: dict[web.Resource, set[str]] = {}
    for route in found or routes.load():
        resource = app.router.add_resource(route.path)
        handler = wrap(ctx, route)
        for method in (route.method, "HEAD") if route.method == "GET" else (route.method,):
            resource.add_route(method, handler)
            methods.setdefault(resource, set()).add(method)
    app.router.add_route("*", "/{path:.*}", _elsewhere(methods))
    return app


def _elsewhere(methods: dict[web.Resource, set[str]]) -> web.RequestHandler | None:
    raise AssertionError
