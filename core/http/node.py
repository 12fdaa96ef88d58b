"""What the server knows of itself while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from core.http.cors import Cors
from core.http.latencies import Latencies
from core.http.rate_limit import Limits
from core.http.recent import Recent


@dataclass
class Node:
    """This process as a server. `started`: on the monotonic clock, in seconds."""

    started: float = field(default_factory=time.monotonic)
    address: str = ""
    """Where it is reached on this machine, such as `http://127.0.0.1:8080`."""
    stopping: bool = False
    receiving: int = 0
    """Bytes of deliveries that are being received or stored."""
    connections: Callable[[], int] = lambda: 0
    """How many connections are open; given by the server."""
    cors: Cors = field(default_factory=lambda: Cors(()))
    limits: Limits = field(default_factory=lambda: Limits(0))
    latencies: Latencies = field(default_factory=Latencies)
    recent: Recent = field(default_factory=Recent)


NODE: web.AppKey[Node] = web.AppKey("node", Node)
