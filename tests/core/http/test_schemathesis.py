"""The server against its own document: what fits is taken, what does not is refused, what is answered fits again."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines import Client, running
from tests.packages import package

ROOT = Path(__file__).parents[3]
KEY = "ccb_a_key_for_schemathesis_and_nobody_else"
SECONDS = 600
_HANDLER = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"]["n"] > 1:
        raise ValueError("too much")
    return [{"type": "log", "message": "Here it is."}]
"""


@pytest.mark.slow
async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """All its checks, on all operations of a started engine (`schemathesis.toml` says how), with a fixed seed."""
    settings: dict[str, Any] = {"CCB_ADMIN_KEY": KEY, "CCB_RATE_LIMIT": 0, "CCB_LOG_LEVEL": "warning"}
    async with running(tmp_path / "data", **settings) as client:
        await _prepare(client)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli",
            "--config-file", str(Path(__file__).with_name("schemathesis.toml")),
            "run", f"{client.engine.report.address}/v1/openapi.json", "--no-color",
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.core.http.schemathesis_hooks",
                "CCB_ADMIN_KEY": KEY,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            raise
        report = said.decode(errors="replace")
        assert process.returncode == 0, report[-20_000:]
        assert "No issues found" in report, report[-2000:]


async def _prepare(client: Client) -> None:
    """Install an integration under each of the first ids that it tries, and let one have events of both ends."""
    log = {"type": "log", "message": "Here it is."}
    await client.install(package(_HANDLER, "example.com", expected=[log], slug="0"), config={"retry_attempts": 1})
    await client.install(package(_HANDLER, "example.com", expected=[log], slug="00", source={"kind": "github"}))
    for n, status in enumerate(("succeeded", "succeeded", "dead", "dead")):
        answer = await client.deliver("0", {"n": n}, f"msg_{n}")
        await client.ended(answer.json["event_id"], status)
