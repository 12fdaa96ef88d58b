"""`python -m bench`: measure side by side on this machine, print one table."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import alerts, chat, ingest, latency, machine, metrics30d, paging, pipeline
from bench.report import Figure, markdown

PARTS = ("ingest", "pipeline", "latency", "chat", "paging", "metrics30d", "alerts")
LATENCY_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is repeated, in turns")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--rate", type=float, help="deliveries a second for the latency, else half of the pipeline's")
    parser.add_argument("--folder", type=Path, help="where the databases go, else the system's folder for such")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ccb-bench-", dir=options.folder, ignore_cleanup_errors=True) as name:
        figures = measure(Path(name), options)
        hardware = machine.describe(Path(name))
    if options.json:
        print(json.dumps({"machine": hardware, "figures": [asdict(f) | {"met": f.met} for f in figures]}, indent=2))
    else:
        print(markdown(figures), "", ", ".join(f"{key} {value}" for key, value in hardware.items()), sep="\n")


def measure(folder: Path, options: argparse.Namespace) -> list[Figure]:
    """Return the figures of the parts that were asked for."""
    figures: list[Figure] = []
    if options.only in (None, "ingest"):
        figures += ingest.measure(folder, seconds=options.seconds, rounds=options.rounds)
    rate = options.rate
    if options.only in (None, "pipeline") or (options.only == "latency" and rate is None):
        figures += pipeline.measure(folder, seconds=options.seconds, rounds=options.rounds)
        rate = rate or figures[-1].value / 2
    if options.only in (None, "latency"):
        figures += latency.measure(folder / "latency", seconds=max(options.seconds, LATENCY_SECONDS), rate=rate)
    if options.only in (None, "chat"):
        figures += chat.measure(folder / "chat", seconds=max(options.seconds, LATENCY_SECONDS))
    if options.only in (None, "paging"):
        figures += paging.measure(folder, rounds=options.rounds)
    if options.only in (None, "metrics30d"):
        figures += metrics30d.measure(folder, rounds=options.rounds)
    if options.only in (None, "alerts"):
        figures += alerts.measure(folder, rounds=options.rounds)
    return figures


if __name__ == "__main__":
    main()
