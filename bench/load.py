"""The load generator, a process of its own: `python -m bench.load '{"port": …}'`; prints its findings as JSON.

Whole requests over kept connections, written by an asyncio Protocol: an HTTP client would be slower than the servers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import cast

import uvloop

from bench import delivery

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Wish:
    """What to send: for `seconds` after `warm_up`, or `count` requests; as fast as answers come, or `rate` a second."""

    port: int
    path: str
    size: int
    connections: int = 64
    secret: str = delivery.SECRET
    seconds: float = 0.0
    warm_up: float = 0.0
    count: int = 0
    rate: float = 0.0


@dataclass
class Found:
    """What came of it. `accepted`: answers 202, warm-up included; `rate`: those a second after the warm-up."""

    accepted: int
    rate: float
    p50_ms: float
    p99_ms: float
    others: dict[str, int]
    processor_us: float = 0.0
    """Processor time of the server for each that it accepted; whoever knows the server's process fills it in."""


@dataclass
class Course:
    """The run's state, which all connections share."""

    wish: Wish
    numbers: Iterator[int]
    measured_from: float
    until: float
    accepted: int = 0
    others: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return time.perf_counter() >= self.until

    def next(self) -> int | None:
        """Return the next delivery's number, or None when there is to be none."""
        return None if self.over else next(self.numbers, None)

    def answered(self, status: str, began: float) -> None:
        """Note an answer."""
        now = time.perf_counter()
        if status != "202":
            self.others[status] += 1
            return
        self.accepted += 1
        if self.measured_from <= now < self.until:
            self.latencies.append(now - began)


class Connection(asyncio.Protocol):
    """One kept connection with one request under way at a time."""

    def __init__(self, course: Course, *, idle: deque[Connection] | None) -> None:
        """`idle`: where to wait for the next request; without it the next follows each answer (closed loop)."""
        self._course = course
        self._idle = idle
        self._before, self._after = delivery.request(course.wish.path, delivery_body(course.wish), course.wish.secret)
        self._prefix = uuid.uuid4().hex[:20]
        self._received = b""
        self._began = 0.0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of a class of their own

    def send(self) -> None:
        """Send the next request, or finish."""
        number = self._course.next()
        if number is None:
            self.finish()
            return
        self._began = time.perf_counter()
        self._transport.write(b"%b%b-%012d%b" % (self._before, self._prefix.encode(), number, self._after))

    def finish(self) -> None:
        """Close: nothing is under way."""
        self._transport.close()
        if not self.finished.done():
            self.finished.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take an answer; go on."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or len(self._received) < end + 4 + _length(self._received[:end]):
            return
        status = self._received[9:12].decode()
        self._received = b""
        self._course.answered(status, self._began)
        if self._idle is None or self._course.over:
            self.send()
        else:
            self._idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up is an answer too."""
        if not self.finished.done():
            self._course.others["connection lost"] += 1
            self.finished.set_result(None)


def delivery_body(wish: Wish) -> bytes:
    """Return the body that is sent."""
    return delivery.dump(delivery.payload(wish.size))


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0] or b"0")


async def run(wish: Wish) -> Found:
    """Send what `wish` says and return what came of it, after the last answer."""
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    end = began + wish.warm_up + wish.seconds if wish.seconds else began + 3600
    course = Course(wish, iter(range(wish.count or 1 << 40)), began + wish.warm_up, end)
    idle: deque[Connection] | None = deque() if wish.rate else None
    connections = [
        (await loop.create_connection(lambda: Connection(course, idle=idle), "127.0.0.1", wish.port))[1]
        for _ in range(wish.connections)
    ]
    if idle is None:
        for connection in connections:
            connection.send()
    else:
        idle.extend(connections)
        await _at_rate(course, idle, wish.rate)
    async with asyncio.timeout(end - began + PATIENCE_SECONDS):
        await asyncio.gather(*(connection.finished for connection in connections))
    seconds = wish.seconds or time.perf_counter() - began
    return _found(course, seconds)


async def _at_rate(course: Course, idle: deque[Connection], rate: float) -> None:
    """Send at a fixed interval whatever the answers do (open loop); what is under way at the end finishes by itself."""
    sent, began = 0, time.perf_counter()
    while not course.over:
        due = int((time.perf_counter() - began) * rate)
        while sent < due and idle:
            idle.popleft().send()
            sent += 1
        await asyncio.sleep(0.001)
    for connection in idle:
        connection.finish()


def _found(course: Course, seconds: float) -> Found:
    ordered = sorted(course.latencies)
    return Found(
        accepted=course.accepted,
        rate=len(ordered) / seconds,
        p50_ms=percentile(ordered, 0.50) * 1e3,
        p99_ms=percentile(ordered, 0.99) * 1e3,
        others=dict(course.others),
    )


def percentile(ordered: list[float], share: float) -> float:
    """Return the value below which `share` of the ordered ones lie; 0 for none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(run(Wish(**json.loads(sys.argv[1])))))))
