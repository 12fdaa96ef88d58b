"""The server against its own document: what fits is taken, what does not is refused, what is answered fits again."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines import running

ROOT = Path(__file__).parents[3]
KEY = "ccb_a_key_for_schemathesis_and_nobody_else"
SECONDS = 300


@pytest.mark.slow
async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """All its checks, on all operations of a started engine (`schemathesis.toml` says how), with a fixed seed."""
    settings: dict[str, Any] = {"CCB_ADMIN_KEY": KEY, "CCB_RATE_LIMIT": 0, "CCB_LOG_LEVEL": "warning"}
    async with running(tmp_path / "data", **settings) as client:
        for slug in ("0", "00"):  # the first ids that it tries
            await client.ask(
                "POST", "/v1/integrations", {"gallery": "hello-webhook", "slug": slug, "activate": True}, status=201
            )
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
