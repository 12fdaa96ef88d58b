"""Two nodes on one PostgreSQL, and one on SQLite that stays one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.e2e.engine import CCB, EngineProcess, environment, start
from tests.e2e.test_kill import installed
from tests.stand_ins.receiver import receiving

pytestmark = pytest.mark.slow


def led_by(node: EngineProcess, health: Any) -> bool:
    """Say whether the scheduler's duty is this node's."""
    scheduler = health["dependencies"]["scheduler"]
    return scheduler["status"] == "ok" and f":{node.process.pid}:" in scheduler["detail"]


async def test_another_node_takes_over_scheduling_and_work(empty_postgres_url: str, tmp_path: Path) -> None:
    """The node that schedules is killed: within ten seconds the other leads, and nothing is lost or done twice."""
    async with receiving() as receiver:
        shared = {
            "CCB_DATABASE_URL": empty_postgres_url,
            "CCB_SECRET_KEY": Fernet.generate_key().decode(),
            "CCB_OUTBOUND_ALLOW": receiver.host,
            "CCB_LEASE_SECONDS": "3",
        }
        first = await start(tmp_path / "one", settings=shared)
        await first.until("/health?fresh=true", lambda h: led_by(first, h))
        second = await start(tmp_path / "two", settings=shared)
        sender = await installed(first, receiver)
        await asyncio.gather(*(sender.deliver(node, i) for i in range(20) for node in (first, second)))
        assert len(sender.accepted) == 20, "a delivery that reached both nodes is one event"
        await first.kill()
        await second.until("/health?fresh=true", lambda h: led_by(second, h), seconds=10)
        await asyncio.gather(*(sender.deliver(second, i) for i in range(20, 30)))
        for event in sender.accepted:
            await second.until(f"/v1/events/{event}", lambda e: e["status"] == "succeeded")
        assert set(receiver.counts()) == {f"{event}:1:{i}" for event in sender.accepted for i in range(2)}
        await second.stop()


async def test_a_second_engine_on_one_sqlite_is_refused_in_words(tmp_path: Path) -> None:
    engine = await start(tmp_path / "data", settings={})
    other = await asyncio.create_subprocess_exec(
        str(CCB), "serve", env=environment(tmp_path / "data"), cwd=str(tmp_path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await other.communicate()
    said = (out + err).decode()
    assert other.returncode not in (0, None)
    assert str(engine.process.pid) in said and "Traceback" not in said
    assert (await engine.ask("GET", "/health/live"))["status"] == "ok"
    await engine.stop()
