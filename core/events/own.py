"""Work on what comes to the bot's own GitHub webhook: the engine takes it up itself, where a handler would run."""

from __future__ import annotations

import time

import orjson

from core.effects import Planned
from core.errors import CcbError
from core.events.pipeline import Attempt
from core.requests import github_events
from core.sources import Delivery


class OwnAttempt(Attempt):
    """One attempt at one event of the bot's own: its step says what was done, and no actions follow."""

    async def _transform(self) -> list[Planned]:
        event = self._event
        began, at = time.perf_counter(), self._ctx.clock.now()
        try:
            payload = self._installed.source.parse(Delivery(orjson.loads(event.headers), event.body))
            done = await github_events.handle(self._ctx, event.type, payload)
        except CcbError as error:
            self._step("github", began, at, error=error)
            raise
        self._step("github", began, at, detail=done)
        self._run = {"event_id": event.id, "run": event.run, "actions": "[]", "references": "{}", "printed": ""}
        return []
