"""One attempt at one event: transform in the sandbox, then its effects one after the other, each in the ledger.

What is written goes through `storage.queue.advance`, all of it on the condition that the lease is still held. An
effect's intent is committed before the effect and its result after it; what stands between two effects shares a write.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

import orjson

from core import effects, references
from core.context import Context
from core.effects import ACTIONS, Call, Outcome, Planned
from core.errors import CcbError, NotConfigured, Upstream
from core.events import leavings, retry
from core.events.traced import AttemptTrace
from core.handler import HandlerError
from core.handler_event import event_for_handler
from core.integrations import Installed
from core.redaction import Redactor
from core.sources import Delivery
from core.texts import TN, T, Text
from storage import events as stored
from storage import metrics, queue
from storage.queue import Claimed, Ending, Progress


class LeaseLostError(Exception):
    """Another worker holds the event now: this one must not write another word."""


class Attempt:
    """One attempt at one event that this worker holds."""

    def __init__(self, ctx: Context, installed: Installed, event: Claimed) -> None:
        self._ctx = ctx
        self._installed = installed
        self._event = event
        self._redactor = Redactor(installed.secret_values())
        self._steps: list[dict[str, Any]] = []
        self._lines: list[dict[str, Any]] = []
        self._run: dict[str, Any] | None = None
        self._result: dict[str, Any] | None = None
        self._references: Mapping[str, str] = {}
        self._counts: metrics.Counts = {}
        self._began = time.perf_counter()
        self._sandbox_seconds = 0.0
        self._trace = None if ctx.tracer is None else AttemptTrace(ctx, installed, event)

    async def go(self) -> None:
        """Do what is left of the event and write how it ended; raise `LeaseLostError` when it is no longer ours."""
        try:
            if self._event.attempt > self._installed.engine.retry_attempts:
                await self._end(await self._too_many())
                return
            planned = await self._planned()
            ledger = await self._ledger()
            for place, action in enumerate(planned):
                await self._effect(place, action, ledger.get(place))
        except CcbError as error:
            await self._end(self._failed(error))
        else:
            await self._end(Ending("succeeded", self._ctx.clock.now()))

    async def _too_many(self) -> Ending:
        """End an event that has no attempt left, with the reason that it has, or that of attempts cut short."""
        event = await self._ctx.db.read(stored.get, self._event.id)
        if event is not None and event.error is not None:
            return Ending("dead", self._ctx.clock.now(), error=event.error)
        cut_short = T("Every attempt was cut short: the worker went away each time.")
        return self._failed(Upstream(cut_short, permanent=True))

    async def release(self) -> None:
        """Give the event back unfinished, at once and without counting the attempt."""
        now = self._ctx.clock.now()
        await self._write(ending=Ending("queued", now, run_at=now, counted=False))

    async def crashed(self, why: Text) -> None:
        """Write that this attempt ended for a reason of the engine's own; it is tried again like any other failure."""
        self._run, self._result, self._lines, self._counts = None, None, [], {}
        await self._end(self._failed(Upstream(why, error="Internal error")))

    async def _planned(self) -> list[Planned]:
        """Return the run's actions: those stored by an earlier attempt, else what the handler returns now."""
        if not self._event.planned:
            return await self._transform()
        actions, known = await self._ctx.db.read(queue.plan_of, self._event.id, self._event.run)
        self._references = orjson.loads(known)
        return [Planned(**action) for action in orjson.loads(actions)]

    async def _transform(self) -> list[Planned]:
        installed, event = self._installed, self._event
        began, at = time.perf_counter(), self._ctx.clock.now()
        by_name = references.make(installed.config_secrets)
        self._references = {reference: name for name, reference in by_name.items()}
        try:
            headers = orjson.loads(event.headers)
            payload = installed.source.parse(Delivery(headers, event.body))
            ran = await self._ctx.sandbox.run(
                installed.package.handler,
                event=event_for_handler(
                    id=event.id,
                    type=event.type,
                    source=installed.source.kind,
                    received_at=event.received_at,
                    headers=headers,
                    payload=payload,
                ),
                config={**installed.config, **by_name},
                owner=installed.id,
                payload_size=len(event.body),
            )
            self._sandbox_seconds = ran.seconds
            self._printed(ran.printed)
            planned = effects.plan(ran.actions, installed.grants, self._references)
        except CcbError as error:
            self._printed(error.printed if isinstance(error, HandlerError) else "")
            self._step("transform", began, at, target="handler.py", error=error)
            raise
        self._step("transform", began, at, target="handler.py", detail=_actions(len(planned)))
        self._run = {
            "event_id": event.id,
            "run": event.run,
            "actions": _dump([{"type": p.type, "params": p.params} for p in planned]),
            "references": _dump(dict(self._references)),
            "printed": self._plain(ran.printed),
        }
        return planned

    async def _ledger(self) -> dict[int, stored.Effect]:
        if self._run is not None:  # planned just now: nothing can have been done
            return {}
        lines = await self._ctx.db.read(stored.effects, self._event.id, self._event.run)
        return {line.place: line for line in lines}

    async def _effect(self, place: int, planned: Planned, known: stored.Effect | None) -> None:
        action = ACTIONS.get(planned.type)
        began, at = time.perf_counter(), self._ctx.clock.now()
        target = self._plain(action.target(effects.parsed(planned)))
        if known is not None and known.result_at is not None:
            self._step(planned.type, began, at, target=target, status="skipped", detail=T("done in an earlier attempt"))
            return
        try:
            if planned.checked is None:  # an earlier attempt's: by today's grants, not the plan's
                effects.permit(planned, self._installed.grants, self._references)
            params = effects.fill(planned, self._references, self._installed.config_secrets)
        except CcbError as error:
            self._step(planned.type, began, at, target=target, error=error)
            raise
        key = {"event_id": self._event.id, "run": self._event.run, "place": place}
        await self._write(intent={**key, "intent_at": at} if known is None else None)
        began, at = time.perf_counter(), self._ctx.clock.now()
        try:
            outcome = await action.run(self._ctx, self._call(place, params, repeated=known is not None))
        except CcbError as error:
            self._step(planned.type, began, at, target=target, error=error)
            if self._installed.monitoring.metrics_enabled:
                leavings.count_refusal(self._counts, self._installed.id, self._ctx.clock.now(), error)
            raise
        self._step(planned.type, began, at, target=target, detail=outcome.detail)
        answer, at = self._redactor.json(outcome.answer), self._ctx.clock.now()
        self._result = {**key, "result_at": at, "result": _dump(answer)}
        if self._installed.monitoring.metrics_enabled:
            leavings.count_effect(self._counts, self._installed.id, at, outcome)
        self._log(outcome)

    def _call(self, place: int, params: Any, *, repeated: bool) -> Call[Any]:
        return Call(
            params=params,
            grants=self._installed.grants,
            integration_id=self._installed.id,
            integration_name=self._installed.name,
            event_id=self._event.id,
            key=f"{self._event.id}:{self._event.run}:{place}",
            repeated=repeated,
            tokens=self._installed.engine.tokens,
            redact=self._redactor.text,
        )

    def _plain(self, text: str) -> str:
        """Return text as it may be stored: without secrets, and without NUL, which PostgreSQL's text cannot hold."""
        return self._redactor.text(text).replace("\0", "\N{REPLACEMENT CHARACTER}")

    def _log(self, outcome: Outcome) -> None:
        """Keep the line that the `log` action hands over, if the integration's log takes its level."""
        said = outcome.answer.get("log")
        if said is not None and self._installed.monitoring.takes(said["level"]):
            fields, at = self._redactor.json(said["fields"]), self._ctx.clock.now()
            self._lines.append(leavings.line(self._event, at, said["level"], self._plain(said["message"]), fields))

    def _printed(self, text: str) -> None:
        """Keep what the handler printed, if the integration's log takes it."""
        if text and self._installed.monitoring.takes("debug"):
            self._lines.append(leavings.printed(self._event, self._ctx.clock.now(), self._plain(text)))

    async def _end(self, ending: Ending) -> None:
        """Write how the attempt ended, count it, and say in the integration's log why if it failed."""
        monitoring = self._installed.monitoring
        if monitoring.metrics_enabled:
            spent = (time.perf_counter() - self._began) * 1e3
            leavings.count_end(
                self._counts, self._event, ending, processing_ms=spent, sandbox_ms=self._sandbox_seconds * 1e3
            )
        failed_at = next((s["name"] for s in reversed(self._steps) if s["status"] == "error"), "")
        trouble = leavings.trouble(self._event, ending, step=failed_at)
        if trouble is not None and monitoring.takes(trouble["level"]):
            self._lines.append(trouble)
        await self._write(ending=ending)
        if self._trace is not None:
            await self._trace.ended(ending)

    def _failed(self, error: CcbError) -> Ending:
        """Decide what becomes of the event; see docs/decisions for why a handler that raised is not tried again."""
        now, engine = self._ctx.clock.now(), self._installed.engine
        short = error.error if isinstance(error, (Upstream, NotConfigured)) else HandlerError.default_error
        told = _dump({"error": short, "message": self._redactor.text(error.message.dump())})
        if isinstance(error, NotConfigured):
            return Ending("failed", now, error=told, waiting_for=error.service, counted=False)
        if _permanent(error) or self._event.attempt >= engine.retry_attempts:
            return Ending("dead", now, error=told)
        wait = retry.delay(
            engine.retry_backoff,
            attempt=self._event.attempt,
            base=self._ctx.settings.retry_base_seconds,
            retry_after=error.retry_after if isinstance(error, Upstream) else None,
            dice=random.random,
        )
        return Ending("failed", now, run_at=now + wait, error=told)

    def _step(
        self,
        name: str,
        began: float,
        at: float,
        *,
        target: str = "",
        status: str = "success",
        detail: Text | str = "",
        error: CcbError | None = None,
    ) -> None:
        shown = detail if isinstance(detail, Text) else T("{detail}", detail=detail)
        seconds = time.perf_counter() - began
        if self._trace is not None:
            self._trace.step(name, at, seconds, target=target, error=error)
        self._steps.append(
            {
                "event_id": self._event.id,
                "run": self._event.run,
                "attempt": self._event.attempt,
                "name": name,
                "target": target,
                "detail": self._redactor.text(shown.dump()),
                "status": status if error is None else "error",
                "started_at": at,
                "duration_ms": seconds * 1e3,
                "error_message": None if error is None else self._redactor.text(error.message.dump()),
            }
        )

    async def _write(self, *, intent: Mapping[str, Any] | None = None, ending: Ending | None = None) -> None:
        progress = Progress(
            event_id=self._event.id,
            token=self._event.token,
            lease_until=self._ctx.clock.now() + self._ctx.settings.lease_seconds,
            run=self._run,
            intent=intent,
            result=self._result,
            steps=tuple(self._steps),
            lines=tuple(self._lines),
            version=self._installed.version,
            ending=ending,
            counts=self._counts,
        )
        self._run, self._result, self._steps, self._lines, self._counts = None, None, [], [], {}
        if not await self._ctx.db.submit(queue.advance, progress):
            raise LeaseLostError(self._event.id)


def _permanent(error: CcbError) -> bool:
    """Say whether another try of the same would fail the same way (a pure function's own failure, a refusal)."""
    if isinstance(error, HandlerError):
        return not error.retriable
    return not isinstance(error, Upstream) or error.permanent


def _actions(count: int) -> Text:
    return TN("{count} action", "{count} actions", count)


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
