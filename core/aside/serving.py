"""The other side of `core.aside`: a process that answers one message after the other."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

from core.aside import HEADER

IDLE_SECONDS = 120.0
"""A process of which nothing was asked for so long leaves, and its memory with it."""


def serve(answer: Callable[[bytes], bytes], *, idle: float = IDLE_SECONDS) -> None:
    """Answer what comes in by the standard input until it ends, or nothing has come for `idle` seconds."""
    out = os.dup(1)
    os.dup2(2, 1)  # a library that prints does not break the conversation
    while select.select([0], [], [], idle)[0]:
        header = _exactly(HEADER.size)
        if header is None:
            return
        message = _exactly(HEADER.unpack(header)[1])
        if message is None:
            return
        try:
            failed, said = 0, answer(message)
        except Exception as error:  # noqa: BLE001 - the border of this process: it answers, whatever happens
            failed, said = 1, type(error).__name__.encode()
        _write(out, HEADER.pack(failed, len(said)) + said)


def _exactly(size: int) -> bytes | None:
    read = bytearray()
    while len(read) < size:
        part = os.read(0, size - len(read))
        if not part:
            return None
        read += part
    return bytes(read)


def _write(out: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(out, view) :]
