"""The pool: sandbox processes that run handlers, each run in a session of its own, in which nothing of another is left.

The sandbox is `pydantic-monty`: an interpreter for a subset of Python that knows no files, no network and no processes,
in processes of its own. They end with the host: their input closes, and a run that is under way keeps to its time.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

from pydantic_monty import AsyncMonty, AsyncMontySession, MontyError, MontyRuntimeError, MontyTypingError

from core.handler import HandlerError, Load, Ran
from core.runtime import boundary
from core.runtime.check import SIGNATURE, Problem, lines_of, type_problems
from core.runtime.failures import at_dump, failure
from core.runtime.limits import CHECK_LIMITS, GRACE_SECONDS, REQUEST_SECONDS, Limits, limits_for
from core.runtime.turns import Turns
from core.texts import T

_RUNS_PER_PROCESS = 500  # Then it is replaced, so that nothing can pile up in it.
_LETTING_GO_SECONDS = 0.05
_CHECKS = "type check"  # The owner in whose turn sources are checked.


class HandlerPool:
    """Sandbox processes, kept ready; an async context manager, or `start` and `close`."""

    def __init__(
        self,
        *,
        processes: int = 2,
        max_processes: int | None = None,
        per_owner: int | None = None,
        wait_seconds: float = 30,
    ) -> None:
        """Keep `processes` ready and start up to `max_processes` under load (by default 4, or `processes`).

        `per_owner`: how many of them one integration may take at once (by default all but one). `wait_seconds`: how
        long a run waits for a free one.
        """
        places = max_processes or max(processes, 4)
        self._turns = Turns(places=places, per_owner=per_owner or max(1, places - 1))
        self._wait_seconds = wait_seconds
        self._monty = AsyncMonty(
            min_processes=min(processes, places),
            max_processes=places,
            checkout_timeout=wait_seconds,
            request_timeout=REQUEST_SECONDS,
            feed_duration_limit_grace=GRACE_SECONDS,
            max_checkouts_per_worker=_RUNS_PER_PROCESS,
        )

    async def start(self) -> None:
        """Start the processes that are kept ready."""
        await self._monty.__aenter__()

    async def close(self) -> None:
        """End all processes."""
        await self._monty.__aexit__(None, None, None)
        # A native thread of the client lets go of its last Python objects after it has answered, and aborts an
        # interpreter that ends in that moment (https://github.com/PyO3/pyo3-async-runtimes/issues/40): exit code 134 in
        # 27 of 100 ends, with this pause in none of 200.
        await asyncio.sleep(_LETTING_GO_SECONDS)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, source: str, *, event: Any, config: Any, owner: str, payload_size: int = 0) -> Ran:
        """Run `handle(event, config)` of `source`, both JSON values, and return the actions, which are plain JSON too.

        `owner`: whose share of the pool it takes. `payload_size`: bytes of the event as it came in; memory and time
        follow it, or the event's size as JSON where that is more. Raises `HandlerError`.
        """
        text, packed = boundary.pack(event, config)
        printed = boundary.Printed()
        try:
            async with self._turns.turn(owner, wait_seconds=self._wait_seconds):
                started = time.perf_counter()
                returned = await self._run(lines_of(source), text, limits_for(max(packed, payload_size)), printed)
                seconds = time.perf_counter() - started
            return Ran(boundary.unpack(returned), str(printed), seconds)
        except TimeoutError:
            raise self._busy() from None
        except HandlerError as error:
            error.printed = str(printed)
            raise

    def load(self) -> Load:
        """Return how busy it is."""
        return Load(self._turns.places, self._turns.busy, self._turns.waiting)

    async def type_check(self, source: str) -> list[Problem]:
        """Return what a type checker, and loading `source` as a module, find wrong.

        It knows less than a run with samples does: what the sandbox lacks it may let through. Raises `HandlerError`
        when there is no process for it, or when it dies.
        """
        source = lines_of(source)
        try:
            async with (
                self._turns.turn(_CHECKS, wait_seconds=self._wait_seconds),
                self._check_session() as session,
            ):
                await session.feed_run(source + SIGNATURE, print_callback=boundary.Printed())
        except TimeoutError:
            raise self._busy() from None
        except MontyTypingError as error:
            return type_problems(error.display(), source)
        except MontyError as error:
            found = failure(error, source=source, limits=CHECK_LIMITS)
            if found.kind == "crashed":
                raise found from None
            return [Problem(found.line or 1, 1, found.reason)]
        return []

    async def _run(self, source: str, text: str, limits: Limits, printed: boundary.Printed) -> str:
        session = self._monty.checkout(limits=limits.of_sandbox(), assert_message_annotations=False)
        try:
            async with session:
                return await _call(session, source, text, printed)
        except MontyError as error:
            raise failure(error, source=source, limits=limits) from None

    def _check_session(self) -> AsyncMontySession:
        return self._monty.checkout(limits=CHECK_LIMITS.of_sandbox(), type_check=True, type_check_format="json")

    def _busy(self) -> HandlerError:
        return HandlerError(
            T("All sandbox processes have been busy for {seconds} s.", seconds=self._wait_seconds), kind="busy"
        )


async def _call(session: AsyncMontySession, source: str, text: str, printed: boundary.Printed) -> str:
    """Return the result's JSON; raises `HandlerError` (rubbish) or `MontyError`."""
    inputs = {boundary.INPUT: text}
    try:
        returned = await session.feed_run(source + boundary.CALL, inputs=inputs, print_callback=printed)
    except MontyRuntimeError as error:
        if not at_dump(error, source):
            raise
        refused = boundary.not_json(str(error))
        raise await _explained(session, printed) or refused from None
    mark = returned[:1] if isinstance(returned, str) else ""
    if mark == "!":
        raise boundary.too_large()
    if mark == "?" and (wrong := await _explained(session, printed)):
        raise wrong
    if mark not in {"=", "?"}:
        raise boundary.not_json("handler.py returned before its end")
    return str(returned[1:])


async def _explained(session: AsyncMontySession, printed: boundary.Printed) -> HandlerError | None:
    found = await session.feed_run(boundary.EXPLAIN, print_callback=printed)
    return boundary.explained(found) if isinstance(found, str) and found else None
