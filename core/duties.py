"""A duty that one process at a time has. Its term is renewed, and ends by itself where the process does."""

from __future__ import annotations

import os
import secrets
import socket

import structlog

from core.context import Context
from storage import leader
from storage.away import DatabaseAwayError

log = structlog.get_logger()


def new_holder() -> str:
    """Return a name for what this process is to hold: who reads it knows the machine and the process."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Duty:
    """One process's part in it; `term`: for how many seconds it is taken at a time."""

    def __init__(self, ctx: Context, name: str, *, term: float) -> None:
        self._ctx, self._name, self._term = ctx, name, term
        self._holder = new_holder()

    async def campaign(self) -> int | None:
        """Take the duty, or keep it; return the fencing token. None: another has it, or nobody can tell."""
        now = self._ctx.clock.now()
        try:
            return await self._ctx.db.write(
                leader.campaign, duty=self._name, holder=self._holder, now=now, expires_at=now + self._term
            )
        except Exception:  # whoever campaigns must outlive a database that is away for a moment
            log.exception("campaign failed", duty=self._name)
            return None

    async def resign(self) -> None:
        """Let go of it, so that another can take it at once."""
        try:
            await self._ctx.db.write(leader.resign, duty=self._name, holder=self._holder)
        except DatabaseAwayError:  # the term ends by itself
            log.exception("duty not resigned", duty=self._name)
