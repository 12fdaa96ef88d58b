"""From a delivery's arrival to the start of its handler, at half of the rate that the pipeline reaches."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from bench import engine, load, processes
from bench.pipeline import SIZE, wait_for
from bench.report import Figure

TARGET_MS = 50.0
_WAITED = """
    SELECT (s.started_at - e.received_at) * 1000 FROM steps s JOIN events e ON e.id = s.event_id
    WHERE s.name = 'transform' ORDER BY 1
"""


def measure(folder: Path, *, seconds: float, rate: float) -> list[Figure]:
    """Send `rate` deliveries a second at a fixed interval, whatever the answers do (open loop)."""
    waited: list[float] = []
    with processes.running(processes.module("receiver")) as receiver:
        host = f"127.0.0.1:{receiver['port']}"
        with engine.started(folder, roles="http,worker,scheduler", allow=host) as server:
            wish = load.Wish(server.port, server.install(host), SIZE, seconds=seconds, rate=rate)
            found = load.Found(**processes.outcome(processes.module("load", asdict(wish))))
            if found.others:
                raise SystemExit(f"not every delivery was accepted: {found.others}")
            wait_for(folder, found.accepted)
        waited = [row[0] for row in engine.rows(folder, _WAITED)]
    return [
        Figure(
            "latency.p99", f"Arrival to handler start, p99, at {found.accepted / seconds:.0f}/s",
            load.percentile(waited, 0.99), " ms", at_most=TARGET_MS, shown=f"p50 {load.percentile(waited, 0.5):.1f} ms",
        )
    ]  # fmt: skip
