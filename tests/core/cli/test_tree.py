"""How a trace is drawn."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.cli import screen
from core.cli.language import language
from core.cli.tree import header, next_steps, tree

START = 1_700_000_000.0


def step(
    name: str,
    target: str = "",
    detail: str = "",
    *,
    ms: float = 1.0,
    at: float = 0.0,
    error: str | None = None,
    skipped: bool = False,
    attempt: int = 1,
    run: int = 1,
) -> dict[str, Any]:
    """Return a step as the engine gives it; `at` in seconds after the start."""
    return {
        "name": name,
        "target": target,
        "detail": detail,
        "status": "error" if error else "skipped" if skipped else "success",
        "duration": "",
        "duration_ms": ms,
        "error_message": error,
        "attempt": attempt,
        "run": run,
        "started_at": datetime.fromtimestamp(START + at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def event(**more: Any) -> dict[str, Any]:
    """Return an event as the engine gives it."""
    return {
        "id": "evt_01J",
        "integration": "github-push-to-slack",
        "type": "push",
        "status": "succeeded",
        "processing_time_ms": 148.2,
        "attempt": 2,
        "attempts": 5,
        "version": "4f2c9e1d0a2b",
        "error": None,
        "retry_at": None,
        "waiting_for": None,
        **more,
    }


INTAKE = [
    step("receive", detail="10.1 KB from 140.82.115.3", ms=0.4, run=0, attempt=0),
    step("verify", detail="X-Hub-Signature-256", ms=0.1, run=0, attempt=0),
    step("deduplicate", detail="delivery 72d3162e…, first of its kind", ms=0.0, run=0, attempt=0),
    step("transform", "handler.py", "2 actions", ms=1.1),
]


def drawn(steps: list[dict[str, Any]], width: int = 100) -> list[str]:
    """Return the tree as plain text."""
    return [line.plain.rstrip() for line in tree(steps, width=width)]


def test_the_picture_of_a_retried_event() -> None:
    steps = [
        *INTAKE,
        step("slack_message", "#deploys", error="Slack answered 429: slow down.", ms=31, at=0.1),
        step("slack_message", "#deploys", "ok", ms=112, at=1.131, attempt=2),
        step("http_request", "api.example.com", "201", ms=3.04, at=1.3, attempt=2),
    ]
    assert [line.plain for line in header(event(), width=100)] == [
        "  evt_01J  push · github-push-to-slack @ 4f2c9e1 · ✓ succeeded in 148 ms · attempt 2 of 5"
    ]
    assert drawn(steps) == [
        "  ├─ receive      0.4 ms   10.1 KB from 140.82.115.3",
        "  ├─ verify       0.1 ms   X-Hub-Signature-256",
        "  ├─ deduplicate  0.0 ms   delivery 72d3162e…, first of its kind",
        "  ├─ transform    1.1 ms   handler.py → 2 actions",
        "  ├─ slack_message  #deploys          ✗ 429 in 31 ms, again after 1 s → 112 ms ✓ ok",
        "  └─ http_request   api.example.com   3.0 ms ✓ 201",
    ]
    assert next_steps(event(), steps) == []


def test_actions_of_one_kind_are_told_apart_by_their_place() -> None:
    steps = [
        step("slack_message", "#a", "ok", ms=10),
        step("slack_message", "#a", error="channel_not_found", ms=20, at=1),
        step("slack_message", "#a", skipped=True, detail="done in an earlier attempt", at=3, attempt=2),
        step("slack_message", "#a", "ok", ms=30, at=3.02, attempt=2),
    ]
    assert drawn(steps) == [
        "  ├─ slack_message  #a   10 ms ✓ ok",
        "  └─ slack_message  #a   ✗ channel_not_found in 20 ms, again after 2 s → 30 ms ✓ ok",
    ]


def test_an_attempt_that_did_not_count_begins_anew() -> None:
    steps = [
        step("slack_message", "#a", error="Slack is not connected", ms=10),
        step("slack_message", "#a", "ok", ms=10, at=5.01),
        step("http_request", "example.com", "200", ms=10, at=6),
    ]
    assert drawn(steps) == [
        "  ├─ slack_message  #a            ✗ Slack is not connected in 10 ms, again after 5 s → 10 ms ✓ ok",
        "  └─ http_request   example.com   10 ms ✓ 200",
    ]


def test_what_was_done_before_a_kill_says_so() -> None:
    steps = [
        step("lease", detail="worker a went away"),
        step("log", "info", skipped=True, detail="done in an earlier attempt", attempt=2),
    ]
    assert drawn(steps) == [
        "  ├─ lease  1.0 ms   worker a went away",
        "  └─ log  info   – done in an earlier attempt",
    ]


def test_the_last_failure_is_told_in_full_and_fits_the_width() -> None:
    long = "api.example.com answered 500: " + "the upstream is being restarted " * 6
    steps = [*INTAKE, step("http_request", "api.example.com", error=long.strip(), ms=4)]
    lines = drawn(steps, 80)
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(("  ├─", "  └─", "     ")) for line in lines)
    assert " ".join(" ".join(lines).split()).endswith("being restarted (4.0 ms)")


def test_a_second_run_is_named() -> None:
    steps = [step("log", "info", "info"), step("log", "info", "info", run=2)]
    assert drawn(steps) == ["  ├─ log          info   1.0 ms ✓", "  └─ log (run 2)  info   1.0 ms ✓"]


def test_nothing_from_outside_moves_the_cursor() -> None:
    steps = [step("http_request", "evil\x1b[2J.example", error="\x1b]0;title\x07 \u202egnp.exe")]
    assert not any(character in "".join(drawn(steps)) for character in "\x1b\x07\u202e")


def test_the_header_breaks_between_its_parts() -> None:
    lines = [line.plain for line in header(event(id="evt_" + "0" * 26), width=80)]
    assert lines == [
        "  evt_00000000000000000000000000  push · github-push-to-slack @ 4f2c9e1",
        "    ✓ succeeded in 148 ms · attempt 2 of 5",
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"status": "dead"}, ["not tried again", "send github-push-to-slack --new"]),
        ({"status": "failed", "waiting_for": "slack"}, ["waits for Slack", "init slack"]),
        ({"status": "failed", "retry_at": "2020-01-01T00:00:00.000Z"}, ["tried again", "trace evt_01J --follow"]),
        ({"status": "skipped"}, ["does not listen to events of the type push"]),
        ({"status": "queued"}, ["not done yet", "trace evt_01J --follow"]),
        ({"status": "dead", "error": {"error": "x", "message": "No handler."}}, ["No handler.", "not tried again"]),
    ],
)
def test_what_to_do_next(more: dict[str, Any], told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for line in next_steps(event(**more), []):
        screen.out().print(line)
    shown = capsys.readouterr().out
    assert [part for part in told if part not in shown] == []


def test_numbers_are_written_as_the_reader_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [screen.duration(ms) for ms in (0.04, 9.96, 148.2, 2100, 185_000)] == [
        "0.0 ms", "10.0 ms", "148 ms", "2.1 s", "3 min 5 s",
    ]  # fmt: skip
    monkeypatch.setenv("CCB_LANGUAGE", "ru")
    language.cache_clear()
    assert [screen.duration(ms) for ms in (0.04, 2100)] == ["0,0 мс", "2,1 с"]
