"""The worker of requests: takes those whose next stage is due under a lease, and writes what became of it.

A stage that a crash cuts short is begun again by whoever takes the lease over; what it had done is found, not repeated.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import structlog

from core.errors import RATE_LIMITED, CcbError, NotConfigured, Unavailable, Upstream
from core.generation.money import dollars
from core.requests import telling
from core.requests.claiming import Claimer
from core.requests.model import Asked, Line, Next, Stage, details_of, parsed
from core.requests.stages import STAGES
from core.texts import T
from storage import requests as rows
from storage.requests import IntegrationRequest

log = structlog.get_logger()

UNCONFIGURED_SECONDS = 300.0
"""After how long to look again whether a service is configured; a start looks at once."""
LONGEST_WAIT = 3600.0
FIRST_WAIT = 5.0
MOST_TRIES = 12
"""How often a stage is tried that fails in a way that may pass; the waits double from `FIRST_WAIT`: over three hours.
A limit of a service does not count: it is waited for as long as the service says, or else as follows, without end."""
FIRST_LIMIT_WAIT = 30.0
LONGEST_LIMIT_WAIT = 900.0
"""The wait at a limit that does not say how long it lasts; it doubles from the first to the longest."""


class RequestWorker(Claimer[IntegrationRequest]):
    """Works on requests until it is stopped. One per process."""

    async def run(self) -> None:
        """Claim and work until `stop`; what is held keeps its lease."""
        renewing = asyncio.create_task(self._renew(), name="renew-requests")
        try:
            await super().run()
        finally:
            renewing.cancel()

    async def _claim(self) -> IntegrationRequest | None:
        now = self._ctx.clock.now()
        return await self._ctx.db.write(rows.claim, now, now + self._ctx.settings.lease_seconds)

    async def _give_back(self, held: IntegrationRequest) -> None:
        assert held.lease_token is not None
        await self._ctx.db.write(rows.advance, held.id, held.lease_token, {})

    def _id(self, held: IntegrationRequest) -> str:
        return held.id

    async def _renew(self) -> None:
        lease = self._ctx.settings.lease_seconds
        while True:
            await asyncio.sleep(lease / 3)
            until = self._ctx.clock.now() + lease
            for row in list(self._held.values()):
                assert row.lease_token is not None
                try:
                    await self._ctx.db.write(rows.renew, row.id, row.lease_token, until)
                except Exception:  # the loop must outlive a database that is away for a moment
                    log.exception("lease of a request not renewed", request=row.id)

    async def _work(self, held: IntegrationRequest) -> None:
        asked, now = parsed(held), self._ctx.clock.now()
        if held.tell_at is not None and held.tell_at <= now:
            await telling.tell(self._ctx, asked)
        if held.run_at is not None and held.run_at <= now:
            await self._write(asked, await self._stage(asked))
        else:
            await self._ctx.db.write(rows.advance, held.id, held.lease_token, {})

    async def _stage(self, asked: Asked) -> Next:
        stage: Stage = asked.row.stage  # type: ignore[assignment]  # written by this module alone
        try:
            return await STAGES[stage](self._ctx, asked)
        except NotConfigured as error:
            return self._later(asked, stage, error, UNCONFIGURED_SECONDS, counted=False)
        except Upstream as error:
            return self._after(asked, stage, error)
        except Unavailable as error:
            return self._later(asked, stage, error, error.retry_after, counted=False)
        except CcbError as error:
            return _failed(stage, error)

    def _after(self, asked: Asked, stage: Stage, error: Upstream) -> Next:
        """Return when to try again what a service has refused, or that it has failed."""
        row = asked.row
        if error.permanent:
            return _failed(stage, error)
        if error.retry_after is not None or error.error == RATE_LIMITED:
            wait = _wait(row.limits, FIRST_LIMIT_WAIT, LONGEST_LIMIT_WAIT)
            if error.retry_after is not None:
                wait = error.retry_after
            return self._later(asked, stage, error, wait, counted=False, limits=row.limits + 1)
        if row.tries + 1 >= MOST_TRIES:
            return _failed(stage, error)
        return self._later(asked, stage, error, _wait(row.tries, FIRST_WAIT, LONGEST_WAIT), counted=True)

    def _later(
        self, asked: Asked, stage: Stage, error: CcbError, wait: float, *, counted: bool, limits: int = 0
    ) -> Next:
        seconds = max(1.0, min(wait, 24 * 3600.0))
        details = {**details_of(error), "retry_after": f"{round(seconds)}s"}
        return Next(
            asked.row.status,  # type: ignore[arg-type]  # as it is
            stage,
            (
                Line(
                    stage, T("{reason} Again in {seconds} s.", reason=error.message, seconds=round(seconds)), "warning"
                ),
            ),
            run_at=self._ctx.clock.now() + seconds,
            error_details=details,
            values={"tries": asked.row.tries + 1 if counted else asked.row.tries, "limits": limits},
        )

    async def _write(self, asked: Asked, came: Next) -> None:
        now = self._ctx.clock.now()
        values: dict[str, Any] = {
            "status": came.status,
            "stage": came.stage,
            "run_at": (came.run_at or now) if came.stage else None,
            "tries": 0,
            "limits": 0,
            "error_details": orjson.dumps(came.error_details).decode() if came.error_details else None,
            "updated_at": now,
            "tell_at": now if asked.row.issue is not None else None,
            **came.values,
        }
        written = await self._ctx.db.write(
            rows.advance,
            asked.id,
            asked.row.lease_token,
            values,
            lines=[line.row(now) for line in came.lines],
            round_=came.round_,
        )
        if not written:
            log.warning("lease of a request lost", request=asked.id, stage=asked.row.stage)
            if asked.row.stage == "write" and came.round_ is not None:
                late = T(
                    "An answer of Claude came too late to be used. It has cost {cost}.",
                    cost=dollars(came.round_["cost"]),
                )
                await self._ctx.db.write(rows.note, asked.id, Line("write", late, "warning").row(now))


def _failed(stage: Stage, error: CcbError) -> Next:
    return Next("failed", "", (Line(stage, error.message, "error"),), error_details=details_of(error))


def _wait(before: int, first: float, longest: float) -> float:
    """Return the seconds to wait after it failed `before` times already."""
    return float(min(longest, first * 2 ** min(before, 20)))
