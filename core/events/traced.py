"""What an attempt hands to the tracer: its steps as they happen, without a word of what they were about."""

from __future__ import annotations

from typing import Any

import orjson

from core.context import Context
from core.errors import CcbError
from core.integrations import Installed
from core.tracing import ENDED, Hop, Traced
from storage import events as stored
from storage.away import DatabaseAwayError
from storage.queue import Claimed, Ending


class AttemptTrace:
    """The steps of one attempt. Only made where traces are sent."""

    def __init__(self, ctx: Context, installed: Installed, event: Claimed) -> None:
        self._ctx = ctx
        self._installed = installed
        self._event = event
        self._began_at = ctx.clock.now()
        self._hops: list[Hop] = []

    def step(self, name: str, at: float, seconds: float, *, target: str, error: CcbError | None) -> None:
        """Keep a step. Of targets only hosts are told, which the manifest names: others may come from the payload."""
        attributes: dict[str, str | int] = {}
        if name == "http_request" and target:
            attributes["server.address"] = target
        if error is not None and isinstance(error.details.get("status"), int):
            attributes["http.response.status_code"] = error.details["status"]
        self._hops.append(Hop(name, at, seconds, None if error is None else error.error, attributes))

    async def ended(self, ending: Ending) -> None:
        """Hand the attempt over, after its end is written; with the last one goes what came before them all."""
        tracer, event = self._ctx.tracer, self._event
        assert tracer is not None
        intake: list[Hop] = []
        if event.run == 1 and ending.status in ENDED:
            intake = await self._intake()
        headers: dict[str, str] = orjson.loads(event.headers)
        tracer.attempt(
            Traced(
                event_id=event.id,
                integration_id=self._installed.id,
                type=event.type,
                run=event.run,
                attempt=event.attempt,
                version=self._installed.version,
                received_at=event.received_at,
                began_at=self._began_at,
                ended_at=ending.at,
                status=ending.status,
                error=None if ending.error is None else str(orjson.loads(ending.error)["error"]),
                traceparent=headers.get("traceparent"),
                intake=intake,
                hops=self._hops,
            )
        )

    async def _intake(self) -> list[Hop]:
        try:
            row = await self._ctx.db.read(stored.get, self._event.id)
        except DatabaseAwayError:
            return []
        steps: list[dict[str, Any]] = [] if row is None else orjson.loads(row.intake)
        return [Hop(step["name"], step["at"], step["ms"] / 1e3) for step in steps]
