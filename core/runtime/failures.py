"""From the sandbox's errors to ours: which kind, at which line of handler.py, in a few words."""

from __future__ import annotations

from pydantic_monty import Frame, MontyCrashedError, MontyError, MontyRuntimeError, MontySyntaxError

from core.handler import HandlerError, Kind
from core.runtime.boundary import DUMP_LINE, too_deep
from core.runtime.check import syntax_problem
from core.runtime.limits import Limits
from core.texts import T, Text

MAX_REASON = 300
"""Characters of what a handler raised that are passed on."""

_SOURCE = "<python-input-0>"  # How the sandbox names the first source it is fed.
_REFUSED = "NotImplementedError: "
_UNSUPPORTED = "The monty syntax parser does not yet support "


def failure(error: MontyError, *, source: str, limits: Limits) -> HandlerError:
    """Return what `error` means for a handler that ran under `limits`."""
    lines = count_lines(source)
    if isinstance(error, MontyCrashedError):
        return _timeout(limits) if error.timed_out else _crashed()
    if isinstance(error, MontySyntaxError):
        # Python tells better than the sandbox what is left open: the sandbox finds what stands behind handler.py.
        if problem := syntax_problem(source):
            return _at(problem.line, problem.message, kind="syntax")
        return _syntax(str(error), _frames(error), lines)
    if isinstance(error, MontyRuntimeError):
        return _runtime(error, lines, limits)
    return HandlerError(T("handler.py cannot be run: {reason}", reason=_cut(str(error))), kind="raised")


def count_lines(source: str) -> int:
    """Return the number of lines, as the sandbox counts them."""
    return source.count("\n") + 1


def at_dump(error: MontyRuntimeError, source: str) -> bool:
    """Say whether it was the result of `source` that could not be put into JSON."""
    frames = _frames(error)
    return len(frames) == 1 and frames[0].line == count_lines(source) + DUMP_LINE and not _is_limit(error)


def located(line: int | None, reason: Text | str) -> Text:
    """Return `reason` behind its place in handler.py."""
    if line is None:
        return T("handler.py: {reason}", reason=reason)
    return T("handler.py, line {line}: {reason}", line=line, reason=reason)


def _at(line: int | None, reason: Text | str, *, kind: Kind) -> HandlerError:
    said = reason if isinstance(reason, Text) else T("{reason}", reason=reason)
    return HandlerError(located(line, reason), kind=kind, line=line, reason=said)


def _runtime(error: MontyRuntimeError, source_lines: int, limits: Limits) -> HandlerError:
    frames = _frames(error)
    line = next((frame.line for frame in reversed(frames) if frame.line <= source_lines), None)
    text = str(error)
    if text.startswith(_TIME_LIMIT):
        return _timeout(limits)
    if text.startswith(_MEMORY_LIMITS):
        reason = T("stopped, for it took more than {limit} MiB of memory", limit=limits.memory >> 20)
        return _at(line, reason, kind="memory")
    if frames and frames[0].function_name is None and text.startswith(_REFUSED):  # Before it ran.
        return _syntax(text.removeprefix(_REFUSED), frames, source_lines)
    if line is None and "JSONDecodeError" in text:
        return too_deep()
    raised: Text | str = _cut(text)
    if _EXCEPTION_ARGUMENTS in text:  # Also SystemExit(1); the sandbox does not say where.
        raised = T("an exception was raised with other than one str, which the sandbox does not do")
    return _at(line, raised, kind="raised")


_EXCEPTION_ARGUMENTS = "exceptions can only be called with zero or one string argument"
_TIME_LIMIT = "TimeoutError: feed time limit exceeded"
_MEMORY_LIMITS = ("MemoryError: memory limit exceeded", "MemoryError: the worker exceeded its memory limit")


def _is_limit(error: MontyRuntimeError) -> bool:
    return str(error).startswith((_TIME_LIMIT, *_MEMORY_LIMITS))


def _syntax(text: str, frames: list[Frame], source_lines: int) -> HandlerError:
    # What is left open at the end of handler.py is noticed behind it.
    line = min(frames[0].line, source_lines) if frames else None
    reason: Text | str = _cut(text)
    if text.startswith(_UNSUPPORTED):
        reason = T("the sandbox does not support {what}", what=text.removeprefix(_UNSUPPORTED))
    return _at(line, reason, kind="syntax")


def _timeout(limits: Limits) -> HandlerError:
    return HandlerError(
        T("handler.py was stopped, for it took longer than {limit} s.", limit=round(limits.seconds, 2)),
        kind="timeout",
        reason=T("stopped, for it took longer than {limit} s", limit=round(limits.seconds, 2)),
    )


def _crashed() -> HandlerError:
    return HandlerError(T("The sandbox process that ran handler.py died."), kind="crashed")


def _frames(error: MontyRuntimeError | MontySyntaxError) -> list[Frame]:
    return [frame for frame in error.traceback() if frame.filename == _SOURCE]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_REASON else text[:MAX_REASON] + "…"
