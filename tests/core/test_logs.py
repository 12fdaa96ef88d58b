"""The engine's own log: an outage is said briefly, and what nobody foresaw in full."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
import structlog

from core import logs
from storage.away import DatabaseAwayError


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    logs.configure("info")
    yield
    structlog.reset_defaults()


def _fail(error: Exception, event: str, count: int = 1) -> None:
    log = structlog.get_logger()
    for _ in range(count):
        try:
            raise error
        except type(error):
            log.exception(event)


def test_an_outage_is_one_line_a_second_of_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    for event in ("claim failed", "job failed"):
        _fail(DatabaseAwayError("connection refused"), event, 1000)
    said = capsys.readouterr().err
    lines = [json.loads(line) for line in said.splitlines()]
    assert 2 <= len(lines) <= 10 and {line["event"] for line in lines} == {"claim failed", "job failed"}
    assert lines[0]["reason"] == "the database is away: connection refused"
    assert "Traceback" not in said


def test_what_nobody_foresaw_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    _fail(ZeroDivisionError("why"), "job failed", 3)
    assert capsys.readouterr().err.count("Traceback") == 3


@pytest.mark.parametrize(("error", "traced"), [(TimeoutError("closing"), 0), (ZeroDivisionError("why"), 1)])
async def test_what_fails_where_nobody_waits_is_a_line_too(
    error: Exception, traced: int, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.unseen(asyncio.get_running_loop(), {"message": "Task exception was never retrieved", "exception": error})
    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert line["what"] == "Task exception was never retrieved"
    assert str(line).count(type(error).__name__) >= 1 and ("exception" in line) == bool(traced)
