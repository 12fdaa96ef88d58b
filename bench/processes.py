"""Processes of the benchmark: each on cores of its own, each saying one line of JSON when it is ready or done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STOP_SECONDS = 30
ALL_CORES = frozenset(os.sched_getaffinity(0))
SERVER_CORE = frozenset({min(ALL_CORES)})
LOAD_CORES = ALL_CORES - SERVER_CORE or ALL_CORES


def module(name: str, wish: Mapping[str, Any] | None = None) -> list[str]:
    """Return the command that runs a module of `bench`."""
    return [sys.executable, "-m", f"bench.{name}", *([json.dumps(wish)] if wish is not None else [])]


@contextmanager
def running(
    command: list[str], *, cores: Collection[int] = ALL_CORES, environment: Mapping[str, str] | None = None
) -> Iterator[Any]:
    """Start a server; yield what it says when it is ready, and its `pid`; end it with SIGTERM."""
    with _start(command, cores, environment) as process:
        try:
            yield _line(process, command) | {"pid": process.pid}
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process, without its children, has taken so far (proc(5), `stat`)."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def outcome(command: list[str], *, cores: Collection[int] = ALL_CORES) -> Any:
    """Run a process to its end; return what it says."""
    with _start(command, cores, None) as process:
        return _line(process, command)


def _start(command: list[str], cores: Collection[int], environment: Mapping[str, str] | None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),  # before exec: threads and children inherit it
    )


def _line(process: subprocess.Popen[str], command: list[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{' '.join(command)[:200]} ended without a word (exit code {process.wait()})")
    return json.loads(line)
