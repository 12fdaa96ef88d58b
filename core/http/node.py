"""What the server knows of itself while it runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Node:
    """This process as a server. `started`: on the monotonic clock, in seconds."""

    started: float = field(default_factory=time.monotonic)
    address: str = ""
    """Where it is reached on this machine, such as `http://127.0.0.1:8080`."""
    stopping: bool = False
    receiving: int = 0
    """Bytes of deliveries that are being received or stored."""


NODE: web.AppKey[Node] = web.AppKey("node", Node)
