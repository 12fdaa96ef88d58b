"""Events a second through the whole pipeline with one HTTP effect each, beside the sandbox alone."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from bench import delivery, engine, load, processes, sandbox
from bench.report import Figure, median

SIZE = 9_216
SLOTS = 32
PROCESSES = 2
"""The engine's own defaults (CCB_WORKER_SLOTS, CCB_SANDBOX_PROCESSES)."""
ROUGH_RATE = 700
"""Events a second, to make as many as keep it busy for the time wished."""
ENOUGH = 0.6
PATIENCE_SECONDS = 300.0


def measure(folder: Path, *, seconds: float, rounds: int) -> list[Figure]:
    """Run sandbox and pipeline in turn, `rounds` times, and compare their medians."""
    alone: list[float] = []
    whole: list[float] = []
    spent: list[float] = []
    with processes.running(processes.module("receiver")) as receiver:
        host = f"127.0.0.1:{receiver['port']}"
        for number in range(rounds):
            alone.append(_sandbox(host, seconds))
            rate, microseconds = _pipeline(folder / f"pipeline-{number}", host, int(seconds * ROUGH_RATE))
            whole.append(rate)
            spent.append(microseconds)
    ratio = median(w / a for w, a in zip(whole, alone, strict=True))
    return [
        Figure("pipeline.sandbox", "The sandbox alone", median(alone), "/s"),
        Figure(
            "pipeline.whole", "Whole pipeline, one HTTP effect", median(whole), "/s", ratio=ratio,
            to="the sandbox alone", at_least=ENOUGH, shown=f"{median(spent):.0f} µs of processor time each",
        ),
    ]  # fmt: skip


def _sandbox(host: str, seconds: float) -> float:
    handler = engine.HANDLER.replace("HOST", host)
    wish = sandbox.Wish(handler, delivery.payload(SIZE), SIZE, PROCESSES, SLOTS, seconds)
    return float(processes.outcome(processes.module("sandbox", asdict(wish))))


def _pipeline(folder: Path, host: str, count: int) -> tuple[float, float]:
    """Store `count` events, then let workers at them; return events a second from first claim to last success.

    And the engine's processor time for each, in microseconds: from the moment it is ready, without the sandbox's
    processes.
    """
    with engine.started(folder, roles="http", allow=host) as server:
        wish = load.Wish(server.port, server.install(host), SIZE, count=count)
        found = load.Found(**processes.outcome(processes.module("load", asdict(wish))))
        if found.accepted != count:
            raise SystemExit(f"{found.accepted} of {count} deliveries were accepted: {found.others}")
    with engine.started(folder, roles="worker,scheduler", allow=host) as server:
        before = processes.processor_seconds(server.pid)
        wait_for(folder, count)
        spent = processes.processor_seconds(server.pid) - before
    began, ended = engine.rows(folder, "SELECT min(started_at), max(finished_at) FROM events")[0]
    return float(count / (ended - began)), spent / count * 1e6


def wait_for(folder: Path, count: int) -> None:
    """Wait until `count` events have succeeded, each at its first attempt."""
    until = time.monotonic() + PATIENCE_SECONDS
    query = "SELECT count(*) FROM events WHERE status = 'succeeded' AND attempt = 1"
    while (done := engine.rows(folder, query)[0][0]) < count:
        if time.monotonic() > until:
            states = engine.rows(folder, "SELECT status, attempt, count(*), min(error) FROM events GROUP BY 1, 2")
            raise SystemExit(f"{done} of {count} events succeeded: {states}")
        time.sleep(0.25)  # the database of another process tells nobody: look now and then
