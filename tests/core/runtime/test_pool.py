"""Runs that go well, what is told of those that do not, and that runs do not disturb one another."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.handler import HandlerError, Ran
from core.runtime import HandlerPool
from core.runtime.limits import REQUEST_SECONDS, limits_for

SPIN = "def handle(event, config):\n    while True:\n        pass\n"
ECHO = 'def handle(event, config):\n    return [{"type": "http_request", "json": event["payload"]}]\n'


async def run(pool: HandlerPool, source: str, payload: Any = None, *, owner: str = "a") -> Ran:
    return await pool.run(source, event={"payload": payload}, config={"channel": "#x"}, owner=owner)


async def failed(pool: HandlerPool, source: str, payload: Any = None) -> HandlerError:
    with pytest.raises(HandlerError) as caught:
        await run(pool, source, payload)
    return caught.value


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def workers(parent: int) -> list[int]:
    """The processes called monty whose parent is `parent`, without those that have ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, _, rest = path.read_text().partition(" (")
            name, _, fields = rest.rpartition(") ")
            state, parent_id = fields.split()[:2]
            if name == "monty" and int(parent_id) == parent and state != "Z":
                found.append(int(pid))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def busy(pid: int) -> bool:
    """Whether a process has used a fiftieth of a second of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) >= os.sysconf("SC_CLK_TCK") / 50


async def test_a_handler_gets_event_and_config_and_gives_actions(pool: HandlerPool) -> None:
    source = 'def handle(event, config):\n    return [{"to": config["channel"], "n": (1, 2.5, None, True)}]'
    ran = await run(pool, source)
    assert ran.actions == [{"to": "#x", "n": [1, 2.5, None, True]}]
    assert 0 < ran.seconds < 5


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("\n\ndef handle(event, config):\n    raise ValueError('no such branch')", 4, "ValueError: no such branch"),
        ("def f():\n    return {}['x']\n\ndef handle(event, config):\n    return f()", 2, "KeyError: x"),
        ("def handle(event, config):\r\n    x = 1\r\n    return y", 3, "name 'y' is not defined"),
        ("def handle(event, config):\n    return (", 2, "'(' was never closed"),
        ("\nclass A(Exception):\n    pass\n", 2, "class inheritance"),
        ("\n\nimport requests\n", 3, "No module named 'requests'"),
    ],
)
async def test_an_error_names_the_line(pool: HandlerPool, source: str, line: int, message: str) -> None:
    error = await failed(pool, source)
    assert error.line == line
    assert error.error == "Processing failed"
    assert f"handler.py, line {line}: " in str(error)
    assert message in str(error)
    assert error.details == {"kind": error.kind, "line": line}


async def test_a_long_message_is_cut(pool: HandlerPool) -> None:
    error = await failed(pool, 'def handle(event, config):\n    raise ValueError("x" * 100_000)')
    assert error.kind == "raised"
    assert str(error).endswith("xxx…")
    assert len(str(error)) < 350


async def test_an_assertion_does_not_tell_the_values_it_compares(pool: HandlerPool) -> None:
    error = await failed(pool, 'def handle(event, config):\n    assert event["payload"] == 1', "TOKEN")
    assert "AssertionError" in str(error)
    assert "TOKEN" not in str(error)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ('[{"json": {"a": [1, {2}]}}]', "actions[0].json.a[1] is of type set"),
        ('[{"json": {"a": float("inf")}}]', "actions[0].json.a is inf"),
        ('[{"json": {"a": {None: 1}}}]', "actions[0].json.a has a key of type NoneType"),
        ('[{"a": {"b": 2**70}}]', "actions[0].a.b is an integer of more than 64 bits"),
        ('[{"a": {"b": handle}}]', "actions[0].a.b is of type function"),
        ("{'a|b': {1}}", "actions.a|b is of type set"),
    ],
)
async def test_what_is_not_json_is_told_with_its_place(pool: HandlerPool, expression: str, told: str) -> None:
    error = await failed(pool, f"def handle(event, config):\n    return {expression}")
    assert error.kind == "rubbish"
    assert not error.retriable
    assert told in str(error)


async def test_fifty_levels_come_back_and_fifty_one_do_not(pool: HandlerPool) -> None:
    source = "def handle(event, config):\n    x = 1\n    for _ in range({levels}):\n        x = [x]\n    return x"
    assert str((await run(pool, source.format(levels=50))).actions).count("[") == 50
    assert "deeper than 50 levels" in str(await failed(pool, source.format(levels=51)))


async def test_an_event_too_deep_is_told_as_such(pool: HandlerPool) -> None:
    for levels in (250, 600):
        payload: Any = 1
        for _ in range(levels):
            payload = [payload]
        assert "The event is nested deeper" in str(await failed(pool, ECHO, payload))


async def test_an_event_that_is_no_ordinary_json_still_arrives(pool: HandlerPool) -> None:
    source = 'def handle(event, config):\n    return [str(event["payload"]["n"]), event["payload"]["s"]]'
    assert (await run(pool, source, {"n": 2**100, "s": "a\ud800"})).actions == [str(2**100), "a?"]


async def test_what_is_printed_is_kept_cut_and_never_shown(
    pool: HandlerPool, capfd: pytest.CaptureFixture[str]
) -> None:
    source = """
import sys
def handle(event, config):
    print("one", "two")
    print("three", file=sys.stderr)
    if event["payload"] == "much":
        print("é" * 1_000_000)
    if event["payload"] == "raise":
        raise ValueError("x")
    return []
"""
    assert (await run(pool, source)).printed == "one two\nthree\n"
    much = (await run(pool, source, "much")).printed
    assert much.startswith("one two\nthree\néé")
    assert 63_990 < len(much.encode()) <= 64_000
    assert (await failed(pool, source, "raise")).printed == "one two\nthree\n"
    assert capfd.readouterr() == ("", "")


async def test_endless_printing_is_a_timeout_with_what_was_printed_first(pool: HandlerPool) -> None:
    error = await failed(pool, "def handle(event, config):\n    while True:\n        print('again')")
    assert error.kind == "timeout"
    assert len(error.printed) == 64_000


async def test_nothing_of_one_run_is_seen_in_the_next() -> None:
    source = """
import json
seen = []
def handle(event, config):
    try:
        before = leftover
    except NameError:
        before = None
    seen.append(1)
    exec("leftover = 1")
    json.mark = 1
    return [len(seen), before]
"""
    async with HandlerPool(processes=1, max_processes=1) as pool:
        plain = source.replace("    json.mark = 1\n", "")
        assert [(await run(pool, plain)).actions for _ in range(3)] == [[1, None]] * 3
        await failed(pool, source)  # Modules cannot be changed at all.
        assert (await run(pool, plain)).actions == [1, None]


async def test_the_memory_limit_follows_the_event(pool: HandlerPool) -> None:
    source = 'def handle(event, config):\n    return [len("x" * 60_000_000)]'
    assert (await failed(pool, source)).kind == "memory"
    ran = await pool.run(source, event={}, config={}, owner="a", payload_size=4_000_000)
    assert ran.actions == [60_000_000]


@pytest.mark.slow
async def test_an_event_of_25_mb(pool: HandlerPool) -> None:
    commit = {
        "id": "0" * 40,
        "message": "Mend the pump of the second boiler",
        "url": "https://github.com/acme/widgets/commit/" + "0" * 40,
        "author": {"name": "Ann", "email": "ann@example.com", "username": "ann"},
        "added": [],
        "modified": ["src/boiler.py", "src/pump.py"],
        "distinct": True,
    }
    payload = {"ref": "refs/heads/main", "commits": [commit] * 80_000}
    ran = await run(pool, 'def handle(event, config):\n    return [len(event["payload"]["commits"])]', payload)
    assert ran.actions == [80_000]


async def test_a_killed_process_costs_its_own_run_only() -> None:
    async with HandlerPool(processes=1, max_processes=1, per_owner=1) as pool:
        (worker,) = workers(os.getpid())
        task = asyncio.create_task(failed(pool, SPIN))
        await until(lambda: busy(worker))
        os.kill(worker, signal.SIGKILL)
        error = await task
        assert (error.kind, error.retriable) == ("crashed", True)
        assert (await run(pool, ECHO, 1)).actions[0]["json"] == 1


async def test_a_process_killed_while_idle_costs_one_run_at_most() -> None:
    async with HandlerPool(processes=1, max_processes=1) as pool:
        (worker,) = workers(os.getpid())
        os.kill(worker, signal.SIGKILL)
        await until(lambda: not alive(worker))
        try:
            await run(pool, ECHO, 1)
        except HandlerError as error:  # The pool had not noticed yet.
            assert error.kind == "crashed"
        assert (await run(pool, ECHO, 2)).actions[0]["json"] == 2


async def test_who_is_cancelled_gives_its_place_back() -> None:
    async with HandlerPool(processes=1, max_processes=1, wait_seconds=5) as pool:
        spinning = asyncio.create_task(pool.run(SPIN, event={}, config={}, owner="a", payload_size=20 << 20))
        (worker,) = workers(os.getpid())
        await until(lambda: busy(worker))
        waiting = asyncio.create_task(run(pool, ECHO, 1))
        await asyncio.sleep(0)
        for task in (waiting, spinning):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await run(pool, ECHO, 2)).actions[0]["json"] == 2


async def test_the_wait_for_a_process_has_an_end() -> None:
    async with HandlerPool(processes=1, max_processes=1, wait_seconds=0.02) as pool:
        spinning = asyncio.create_task(failed(pool, SPIN))
        await asyncio.sleep(0)
        error = await failed(pool, ECHO)
        assert (error.kind, error.retriable) == ("busy", True)
        assert (await spinning).kind == "timeout"
        assert (await run(pool, ECHO, 2)).actions[0]["json"] == 2


async def test_a_spinning_handler_holds_up_nobody_else() -> None:
    async with HandlerPool(processes=2, max_processes=2) as pool:
        spinning = [asyncio.create_task(failed(pool, SPIN)) for _ in range(20)]
        await until(lambda: any(busy(worker) for worker in workers(os.getpid())))
        for number in range(20):
            assert (await run(pool, ECHO, number, owner="b")).actions[0]["json"] == number
        assert sum(task.done() for task in spinning) < 10
        for task in spinning:
            task.cancel()
        await asyncio.gather(*spinning, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.parametrize("spinning", [False, True])
async def test_processes_end_with_a_host_that_is_killed(spinning: bool) -> None:
    script = f"""
import asyncio
from core.runtime import HandlerPool
async def main():
    async with HandlerPool(processes=2) as pool:
        if {spinning}:
            asyncio.ensure_future(pool.run({SPIN!r}, event={{}}, config={{}}, owner="a", payload_size=20 << 20))
        await asyncio.sleep(60)
asyncio.run(main())
"""
    host = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    try:
        await until(lambda: len(workers(host.pid)) == 2)
        left = workers(host.pid)
        if spinning:
            await until(lambda: any(busy(worker) for worker in left))
    finally:
        host.kill()
        await host.wait()
    await until(lambda: not any(alive(worker) for worker in left))


@pytest.mark.slow
async def test_an_interpreter_ends_well_after_the_pool() -> None:
    script = f"""
import asyncio
from core.runtime import HandlerPool
async def main():
    async with HandlerPool() as pool:
        runs = [pool.run({ECHO!r}, event={{"payload": 1}}, config={{}}, owner="a") for _ in range(300)]
        await asyncio.gather(*runs)
        await asyncio.sleep(0.05)
asyncio.run(main())
"""
    for _ in range(10):
        host = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
        assert await host.wait() == 0


async def test_types_are_checked(pool: HandlerPool) -> None:
    fine = "def handle(event: dict, config: dict) -> list[dict]:\n    return [{'a': event['payload']['x']}]\n"
    assert await pool.type_check(fine) == []
    assert await pool.type_check("def handle(event, config):\n    return []") == []
    (problem,) = await pool.type_check("\ndef handle(event: dict, config: dict) -> list[dict]:\n    return {'a': 1}\n")
    assert (problem.line, problem.column) == (3, 12)
    assert "Return type does not match" in str(problem.message)
    (problem,) = await pool.type_check("\n\ndef handle(event: dict) -> list[dict]:\n    return []\n")
    assert problem.line == 3
    (problem,) = await pool.type_check("def handle(event, config):\n    return (")
    assert problem.line == 2
    (problem,) = await pool.type_check("x = {}['a']\n\ndef handle(event, config):\n    return []\n")
    assert (problem.line, str(problem.message)) == (1, "KeyError: a")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=30,
)


def test_any_json_comes_back_as_it_was() -> None:
    with asyncio.Runner() as runner:
        pool = HandlerPool(processes=1, max_processes=1)
        runner.run(pool.start())

        @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(json_values)
        def comes_back(payload: Any) -> None:
            ran = runner.run(run(pool, ECHO, payload))
            assert repr(ran.actions) == repr([{"type": "http_request", "json": payload}])

        try:
            comes_back()
        finally:
            runner.run(pool.close())


def test_limits_grow_with_the_event() -> None:
    assert (limits_for(0).seconds, limits_for(0).memory) == (0.25, 32 << 20)
    largest = limits_for(25 << 20)
    assert math.isclose(largest.seconds, 5.25)
    assert largest.memory == (32 + 12 * 25) << 20
    assert limits_for(1 << 40).seconds < REQUEST_SECONDS
